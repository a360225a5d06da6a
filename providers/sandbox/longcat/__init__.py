"""The stand-in for LongCat."""
