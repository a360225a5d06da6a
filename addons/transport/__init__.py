"""Calls to providers: secrets opened on the wire, steps carried out, content codings."""
