"""Calls to providers: secrets opened on the wire, steps over httpx, content codings."""
