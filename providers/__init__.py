"""The providers, sans-IO: one folder each, what they share, and their contract with the gateway."""
