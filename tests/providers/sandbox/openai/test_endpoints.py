"""The stand-in's other endpoints answer as their own SDK expects (tests/providers/openai/test_served_endpoints.py)."""

from providers.contract.passed_on import ENDPOINTS
from providers.sandbox.openai.endpoints import PATHS, error


def test_it_has_every_endpoint_that_needs_no_id() -> None:
    assert {f"/v1/{endpoint}" for endpoint in ENDPOINTS} - PATHS == {"/v1/files", "/v1/batches"}


def test_its_refusals_have_the_apis_envelope() -> None:
    assert set(error("x")["error"]) == {"message", "type", "param", "code"}
