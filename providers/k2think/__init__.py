"""K2Think's web chat (www.k2think.ai)."""
