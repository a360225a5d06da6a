"""The stand-in for an official API of the Messages form."""
