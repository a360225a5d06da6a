"""The gateway: rooms in floors, named from the top down in docs/architecture.md."""
