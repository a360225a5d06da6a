"""One client request: its attempts, one after another, and what is told of it."""
