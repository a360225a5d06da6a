"""The configuration: config.yaml, .env and the key files, read into checked, immutable data."""
