"""The stand-in for K2Think."""
