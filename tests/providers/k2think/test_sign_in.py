"""K2Think's sessions: what is read of them, and whose they are."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Identity
from providers.contract.steps import Answer
from providers.sandbox.tokens import jwt
from tests.providers.k2think.accounts import HELLO, MOMENT, TOKEN, V2, listed, provider, session
from tests.support.calls import seen
from tests.support.turns import steps_of, turn_of


@pytest.mark.parametrize(
    ("material", "name"), [({"token": TOKEN}, "token"), ({"cookies": {"token": TOKEN}}, "cookie:token")]
)
def test_the_token_may_stand_as_such_or_as_a_cookie(material: dict[str, Any], name: str) -> None:
    held = session(**material)
    assert (held.expires_at, held.facts) == (1_800_000_000, {"user_id": "u", "email": "a@b.example"})
    call = seen(turn_of(provider(), ChatRequest(V2, HELLO), held).call(MOMENT))
    assert dict(call.headers)["authorization"] == f"Bearer ~sealed~k2think~main~{name}~"
    assert TOKEN not in repr(call)


def test_a_token_that_does_not_say_when_it_ends_is_taken() -> None:
    assert session(token=jwt({"id": "u"})).expires_at is None


@pytest.mark.parametrize(
    "material",
    [
        pytest.param(Credentials(), id="nothing"),
        pytest.param(Credentials(token="no jwt"), id="no-jwt"),
        pytest.param(Credentials(api_key="IFM-abc"), id="official-key"),
    ],
)
def test_a_token_that_is_none_cannot_serve(material: Credentials) -> None:
    with pytest.raises(ProviderError, match="JWT") as caught:
        provider().read_session("main", material)
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED


def test_identify_asks_whose_session_it_is() -> None:
    steps = steps_of(provider().sign_in.identify(session(), MOMENT))
    assert next(steps).url == "https://www.k2think.ai/api/v1/auths/"
    with pytest.raises(StopIteration) as done:
        steps.send(Answer(200, {}, b'{"id":"u","name":"N","email":"a@b.example"}'))
    assert done.value.value == Identity("u", "N", "a@b.example")


def test_identify_takes_a_list_of_models_for_proof_where_the_site_lacks_the_call() -> None:
    steps = steps_of(provider().sign_in.identify(session(), MOMENT))
    next(steps)
    assert steps.send(Answer(404, {}, b"")).url == "https://www.k2think.ai/api/models"
    with pytest.raises(StopIteration) as done:
        steps.send(listed(V2))
    assert done.value.value == Identity("u", email="a@b.example")


@pytest.mark.parametrize("answers", [[Answer(401, {}, b"")], [Answer(404, {}, b""), Answer(401, {}, b"")]])
def test_identify_names_a_dead_session(answers: list[Answer]) -> None:
    steps = steps_of(provider().sign_in.identify(session(), MOMENT))
    next(steps)
    for answer in answers[:-1]:
        steps.send(answer)
    with pytest.raises(ProviderError) as caught:
        steps.send(answers[-1])
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
