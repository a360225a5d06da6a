"""Capturing a session out of the person's own browsing: a local proxy, a browser that uses it, and their end."""
