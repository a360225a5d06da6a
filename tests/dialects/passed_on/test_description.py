"""What /openapi.json says of endpoints that are passed on."""

from addons.dialects.passed_on.description import description
from addons.dialects.passed_on.dialect import PassedOn


def test_every_route_is_described_and_no_other() -> None:
    assert set(description().operations) == {route.operation for route in PassedOn.routes}


def test_an_upload_may_name_its_provider() -> None:
    told = description().operations["file_create"].request
    assert told is not None
    form = told["multipart/form-data"]["schema"]
    assert (set(form["required"]), "provider" in form["properties"]) == ({"file", "purpose"}, True)
