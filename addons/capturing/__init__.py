"""Capturing a session from the person's own browsing: a local proxy, a browser that uses it, the check, the vault."""
