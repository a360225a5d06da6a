"""Client keys with limits: what a key may do, the keys that commands manage, and what has been used of each."""
