"""The contract between the gateway and a provider, and the values that cross it."""
