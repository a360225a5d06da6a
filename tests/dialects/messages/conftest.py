from tests.support.one_gateway import gateway, sites

__all__ = ["gateway", "sites"]
