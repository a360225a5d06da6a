"""POST /v1/chat/completions, and the list of models beside it."""
