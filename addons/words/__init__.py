"""Texts for people: near names, plain findings, lines to paste, text that is safe on a terminal."""
