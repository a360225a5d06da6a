"""The policies at the door, each by itself."""

import pytest
from mitmproxy import http

from addons.dialects import registry
from addons.dialects.body import Reading
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.routes import POST, Route
from addons.errors import GatewayError
from addons.ingress.gate import Admission
from addons.ingress.policies import InFlight, NotDraining

MODEL = ("chat_completions", "completions")
LOCAL = ("models", "model", "health", "openapi", "front", "options", "preflight")


def admission(action: str) -> Admission:
    dialect, route = next(
        ((dialect, route) for dialect in registry.DIALECTS for route in dialect.routes if route.operation == action),
        (None, None),
    )
    return Admission(action, "ada", dialect, route)


@pytest.mark.parametrize("action", [*MODEL, *LOCAL])
def test_while_the_gateway_ends_only_health_is_answered(action: str) -> None:
    NotDraining(lambda: False).check(admission(action))
    policy = NotDraining(lambda: True)
    if action in ("health", "preflight"):
        policy.check(admission(action))
        return
    with pytest.raises(GatewayError) as caught:
        policy.check(admission(action))
    assert (caught.value.status, caught.value.code, caught.value.retry_after_s) == (503, "shutting_down", 5)


@pytest.mark.parametrize("action", [*MODEL, *LOCAL])
def test_requests_to_models_are_counted_and_no_others(action: str) -> None:
    running = 2
    policy = InFlight(lambda: running, lambda: 3)
    policy.check(admission(action))
    running = 3
    if action in LOCAL:
        policy.check(admission(action))
        return
    with pytest.raises(GatewayError) as caught:
        policy.check(admission(action))
    assert (caught.value.status, caught.value.code, caught.value.retry_after_s) == (429, "too_many_requests", 1)


def test_a_dialects_own_answer_to_a_body_is_counted_as_well() -> None:
    def counted(request: LocalRequest, catalog: Catalog) -> Reading[http.Response]:
        raise NotImplementedError

    route = Route(POST, "/v1/things", "things", local_reading=counted)
    with pytest.raises(GatewayError) as caught:
        InFlight(lambda: 1, lambda: 1).check(Admission("things", "ada", registry.DIALECTS[0], route))
    assert caught.value.code == "too_many_requests"
