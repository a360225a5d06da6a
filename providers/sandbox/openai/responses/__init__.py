"""The Responses endpoint of the stand-in for an official API."""
