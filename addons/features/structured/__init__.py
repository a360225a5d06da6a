"""Structured output for web sessions: the JSON is asked for in words, found in the answer, and given out alone."""
