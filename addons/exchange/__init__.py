"""One client request: its attempts, one after another, and how it ended."""
