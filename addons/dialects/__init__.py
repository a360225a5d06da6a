"""Client formats: request bodies to ModelRequests, a provider's events to the bytes of answers."""
