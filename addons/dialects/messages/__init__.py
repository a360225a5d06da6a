"""POST /v1/messages, Anthropic's Messages form, with the count of tokens and the list of models beside it."""
