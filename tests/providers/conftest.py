from tests.support.one_gateway import client, gateway, http, sites

__all__ = ["client", "gateway", "http", "sites"]
