"""What /openapi.json says fits what is served."""

from addons.dialects.responses.description import description
from tests.dialects.responses.reading import DIALECT


def test_every_route_is_described() -> None:
    assert set(description().operations) == {route.operation for route in DIALECT.routes}


def test_the_request_has_the_fields_that_are_read() -> None:
    schema = description().schemas["ResponseRequest"]
    assert schema["required"] == ["model"]
    assert {"input", "tools", "previous_response_id", "text", "reasoning"} <= schema["properties"].keys()
