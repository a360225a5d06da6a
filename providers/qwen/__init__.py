"""Qwen Chat (chat.qwen.ai)."""
