"""What is kept for clients between their requests: answers to go on from, and which account has what an id names."""
