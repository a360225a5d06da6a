"""Formats of the wire that know nothing of providers: JSON, server-sent events, tokens, times, pages."""
