"""Accounts: sessions, renewal, limits, health, and which of them may be asked now."""
