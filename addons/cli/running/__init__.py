"""`glassgate run`: programs of others, started with what they need to know of this gateway."""
