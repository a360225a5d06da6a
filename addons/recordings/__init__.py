"""Exchanges kept as files: recording, checking, cases, replaying, drift."""
