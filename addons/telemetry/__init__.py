"""Metrics and spans of requests, for programs that watch the gateway."""
