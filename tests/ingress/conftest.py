from tests.support.one_gateway import gateway, http, sites

__all__ = ["gateway", "http", "sites"]
