"""The policies at the door, each by itself."""

import pytest

from addons.dialects.registry import DIALECTS
from addons.errors import GatewayError
from addons.ingress.gate import Admission
from addons.ingress.policies import InFlight, NotDraining

LOCAL = ("models", "model", "health", "openapi", "front", "options", "preflight")


@pytest.mark.parametrize("action", [*DIALECTS, *LOCAL])
def test_while_the_gateway_ends_only_health_is_answered(action: str) -> None:
    NotDraining(lambda: False).check(Admission(action, "ada"))
    policy = NotDraining(lambda: True)
    if action in ("health", "preflight"):
        policy.check(Admission(action, "ada"))
        return
    with pytest.raises(GatewayError) as caught:
        policy.check(Admission(action, "ada"))
    assert (caught.value.status, caught.value.code, caught.value.retry_after_s) == (503, "shutting_down", 5)


@pytest.mark.parametrize("action", [*DIALECTS, *LOCAL])
def test_requests_to_models_are_counted_and_no_others(action: str) -> None:
    running = 2
    policy = InFlight(lambda: running, lambda: 3)
    policy.check(Admission(action, "ada"))
    running = 3
    if action in LOCAL:
        policy.check(Admission(action, "ada"))
        return
    with pytest.raises(GatewayError) as caught:
        policy.check(Admission(action, "ada"))
    assert (caught.value.status, caught.value.code, caught.value.retry_after_s) == (429, "too_many_requests", 1)
