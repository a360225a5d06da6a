"""What comes in: the gate, the client keys' proof, the gateway's own small answers."""
