"""What several providers' decoders and requests have in common."""
