"""What the formats of OpenAI's API have in common: no dialect of its own."""
