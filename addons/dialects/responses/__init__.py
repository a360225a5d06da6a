"""POST /v1/responses, what is kept of its answers, and the count of tokens beside it."""
