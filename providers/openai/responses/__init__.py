"""Responses of an API of the OpenAI form (POST /v1/responses): passed through as they are, and chats asked by them."""
