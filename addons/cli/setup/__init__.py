"""`glassgate setup`: from nothing, or from the original design's files, to a gateway that answers."""
