"""The stand-in for Qwen Chat."""
