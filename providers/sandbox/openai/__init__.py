"""The stand-in for an official API."""
