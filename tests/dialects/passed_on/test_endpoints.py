"""The table of endpoints: what the gate needs of each, and that nothing in it is doubled."""

from addons.dialects.client_session import CACHE
from addons.dialects.passed_on.endpoints import ENDPOINTS, PROVIDER
from providers.contract.passed_on import PASSED


def test_each_kind_of_request_has_an_endpoint_and_each_place_one_operation() -> None:
    assert {endpoint.kind for endpoint in ENDPOINTS.values()} == set(PASSED)
    places = [(method, endpoint.path) for endpoint in ENDPOINTS.values() for method in endpoint.methods]
    assert len(places) == len(set(places))


def test_a_form_needs_its_boundary_and_what_has_no_body_nothing() -> None:
    reads = {endpoint.body: endpoint.route.reads for endpoint in ENDPOINTS.values()}
    assert reads == {"json": (PROVIDER, CACHE), "form": ("content-type", PROVIDER), "none": ()}


def test_forms_alone_are_uploads() -> None:
    assert {endpoint.body for endpoint in ENDPOINTS.values() if endpoint.route.uploads} == {"form"}
