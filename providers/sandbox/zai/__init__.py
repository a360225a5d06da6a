"""The stand-in for Z.AI."""
