"""The Z.AI web chat (chat.z.ai)."""
