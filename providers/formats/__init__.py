"""Readers of wire formats that know nothing of providers: JSON, server-sent events, tokens, times, pages."""
