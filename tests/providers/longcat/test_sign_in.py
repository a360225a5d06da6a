"""Whose session it is."""

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Identity
from providers.contract.steps import Answer
from tests.providers.longcat.accounts import MOMENT, ok, provider, session
from tests.support.calls import seen
from tests.support.turns import steps_of

USER = {"userId": 42, "email": "a@b.example", "loginStatus": 1}


def test_identify_reads_who_is_signed_in() -> None:
    steps = steps_of(provider().sign_in.identify(session(), MOMENT))
    call = seen(next(steps))
    assert (call.method, call.url) == ("GET", "https://longcat.chat/api/v1/user-current?t=1790000000000")
    assert "content-type" not in dict(call.headers)
    with pytest.raises(StopIteration) as done:
        steps.send(ok({"code": 0, "data": USER}))
    assert done.value.value == Identity("42", email="a@b.example")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(ok({"code": 0, "data": {**USER, "loginStatus": 0}}), ErrorKind.SESSION_EXPIRED, id="stranger"),
        pytest.param(ok({"code": 0, "data": {}}), ErrorKind.PROVIDER_DOWN, id="nobody"),
        pytest.param(ok({"code": 401, "message": "x"}), ErrorKind.SESSION_EXPIRED, id="code-401"),
        pytest.param(ok({"customData": {"riskLevel": "199"}}, 418), ErrorKind.CHALLENGE, id="418"),
        pytest.param(Answer(200, {}, b"<html>"), ErrorKind.CHALLENGE, id="page"),
    ],
)
def test_identify_names_a_dead_session_and_other_refusals_apart(answer: Answer, kind: ErrorKind) -> None:
    steps = steps_of(provider().sign_in.identify(session(), MOMENT))
    next(steps)
    with pytest.raises(ProviderError) as caught:
        steps.send(answer)
    assert caught.value.kind is kind
