"""Tool calls for sites that know none: asked for in words, read out of the words of the answer."""
