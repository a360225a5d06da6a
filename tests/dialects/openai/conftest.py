"""One gateway with all sites of the sandbox, for tests that go the whole way."""

from tests.support.one_gateway import client, gateway, http, sites

__all__ = ["client", "gateway", "http", "sites"]
