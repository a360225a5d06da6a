"""Connections to providers: how one is made, HTTP/1.1 on it, and the pool that all clients share."""
