"""The framing of HTTP/1 messages, for both ends: bounded lines and heads, and the readers of bodies."""
