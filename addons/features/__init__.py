"""Features: what the gateway does itself for sites that cannot: stop strings, limits, token counts, refusals by
name."""
