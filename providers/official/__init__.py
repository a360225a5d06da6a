"""What official APIs have in common, whatever their form: a key, options, refusals in words and codes."""
