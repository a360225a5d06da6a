"""Client formats: request bodies to ChatRequests, a provider's events to the bytes of answers."""
