"""LongCat's web chat (longcat.chat)."""
