"""Before a request is an exchange: the gate, policies, CORS, the gateway's own answers and its OpenAPI description."""
