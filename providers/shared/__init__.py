"""Parts that several providers' decoders and requests share."""
