"""K2Think's requests, models and sessions."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Identity, Session
from providers.contract.steps import Answer, Moment
from providers.k2think.options import K2ThinkOptions
from providers.k2think.provider import K2Think
from providers.sandbox.tokens import jwt
from tests.support.calls import Seen, seen
from tests.support.turns import steps_of, turn_of

MOMENT = Moment(1_790_000_000_000, lambda: "00000000-0000-4000-8000-000000000001")
TOKEN = jwt({"id": "u", "email": "a@b.example", "exp": 1_800_000_000})
V1, V2, V3 = "MBZUAI-IFM/K2-Think", "MBZUAI-IFM/K2-Think-v2", "MBZUAI-IFM/K2-Think-v3"
HELLO = (Message("user", "Hi"),)
MISSING = ProviderError(ErrorKind.MODEL_UNAVAILABLE, "gone", status=400)


def provider(**options: Any) -> K2Think:
    return K2Think("k2think", K2ThinkOptions(**options))


def session(**material: Any) -> Session:
    return provider().read_session("main", Credentials(**(material or {"token": TOKEN})))


def listed(*models: Any) -> Answer:
    return Answer(200, {}, json.dumps({"data": [m if isinstance(m, dict) else {"id": m} for m in models]}).encode())


def learn(site: K2Think, answer: Answer) -> Seen:
    steps = site.list_models(session(), MOMENT)
    call = seen(next(steps))
    with pytest.raises(StopIteration):
        steps.send(answer)
    return call


# -- sessions ---------------------------------------------------------------------------------------------------------
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


# -- models -----------------------------------------------------------------------------------------------------------
def ids(models: Mapping[str, Model]) -> dict[str, str]:
    return {public: model.site_id for public, model in models.items()}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(listed(V2), {V1: V2, V2: V2}, id="today"),
        pytest.param(listed(V1), {V1: V1, V2: V2}, id="before-v2"),
        pytest.param(listed(), {V1: V2, V2: V2}, id="empty"),
        pytest.param(Answer(200, {}, json.dumps([{"id": V2}]).encode()), {V1: V2, V2: V2}, id="bare-list"),
        pytest.param(listed({"id": "k2v2", "name": V2}), {V1: "k2v2", V2: "k2v2"}, id="by-name"),
        pytest.param(listed(V2.lower()), {V1: V2.lower(), V2: V2.lower()}, id="other-case"),
        pytest.param(listed(V3), {V1: V3, V2: V2}, id="newer-version"),
        pytest.param(listed({"id": V2, "status": "inactive"}, V1), {V1: V1, V2: V2}, id="inactive"),
        pytest.param(listed(V2, "LLM360/Other"), {V1: V2, V2: V2, "LLM360/Other": "LLM360/Other"}, id="another-model"),
        pytest.param(listed({"id": 5}, None, V2), {V1: V2, V2: V2}, id="odd-items"),
    ],
)
def test_public_names_follow_the_sites_list(answer: Answer, expected: dict[str, str]) -> None:
    site = provider()
    assert ids(site.models()) == {V1: V2, V2: V2}
    call = learn(site, answer)
    assert (call.method, call.url) == ("GET", "https://www.k2think.ai/api/models")
    assert ids(site.models()) == expected


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(401, {}, b'{"detail":"x"}'), ErrorKind.SESSION_EXPIRED),
        (Answer(200, {}, b"<html>"), ErrorKind.CHALLENGE),
        (Answer(200, {}, b'{"data":5}'), ErrorKind.PROVIDER_DOWN),
    ],
)
def test_without_a_list_the_known_models_stay(answer: Answer, kind: ErrorKind) -> None:
    site = provider()
    steps = site.list_models(session(), MOMENT)
    next(steps)
    with pytest.raises(ProviderError) as caught:
        steps.send(answer)
    assert caught.value.kind is kind
    assert ids(site.models()) == {V1: V2, V2: V2}


def test_a_model_not_found_is_looked_up_and_tried_under_its_new_name() -> None:
    site = provider()
    steps = turn_of(site, ChatRequest(V1, HELLO), session()).recover(MISSING, MOMENT)
    assert steps is not None
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(listed(V3))
    assert json.loads(seen(turn_of(site, ChatRequest(V1, HELLO), session()).call(MOMENT)).body)["model"] == V3


def test_a_model_not_found_under_the_same_name_stays_an_error() -> None:
    steps = turn_of(provider(), ChatRequest(V1, HELLO), session()).recover(MISSING, MOMENT)
    assert steps is not None
    next(steps)
    with pytest.raises(ProviderError) as caught:
        steps.send(listed(V2))
    assert caught.value is MISSING
    assert (
        turn_of(provider(), ChatRequest(V1, HELLO), session()).recover(
            ProviderError(ErrorKind.PROVIDER_DOWN, "x"), MOMENT
        )
        is None
    )


# -- the chat call ----------------------------------------------------------------------------------------------------
def test_the_request_is_the_proven_one() -> None:
    messages = (Message("developer", "S"), Message("user", "Hi"), Message("assistant", "A"), Message("user", "Q"))
    chat = ChatRequest(V1, messages, temperature=0.5, max_tokens=5)
    call = seen(turn_of(provider(stream=False), chat, session()).call(MOMENT))
    assert (call.method, call.url) == ("POST", "https://www.k2think.ai/api/chat/completions")
    assert dict(call.headers)["accept"] == "application/json"
    assert dict(call.headers)["content-type"] == "application/json"
    assert json.loads(call.body) == {
        "stream": False,
        "model": V2,
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "A"},
            {"role": "user", "content": "Q"},
        ],
        "temperature": 0.5,
        "max_tokens": 5,
    }


@pytest.mark.parametrize("stream", [False, True])
def test_the_setting_decides_how_the_site_is_asked_not_the_client(stream: bool) -> None:
    site = provider(stream=stream)
    for client_streams in (False, True):
        chat = ChatRequest(V1, HELLO, stream=client_streams)
        call = seen(turn_of(site, chat, session()).call(MOMENT))
        assert json.loads(call.body)["stream"] is stream
        assert dict(call.headers)["accept"].startswith("text/event-stream") is stream
        assert turn_of(site, chat).buffers is not stream


@pytest.mark.parametrize(
    ("status", "content_type", "answer"),
    [
        (200, "application/json", True),
        (200, "text/event-stream; charset=utf-8", True),
        (200, "text/html", False),
        (400, "application/json", False),
    ],
)
def test_json_and_streams_are_answers_whichever_was_asked_for(status: int, content_type: str, answer: bool) -> None:
    for stream in (False, True):
        headers = {"content-type": content_type}
        assert turn_of(provider(stream=stream), ChatRequest(V1, HELLO)).accepts(status, headers) is answer


def test_what_ages_can_be_put_over_in_the_configuration() -> None:
    site = provider(
        base_url="http://127.0.0.1:9999",
        headers={"User-Agent": "x", "referer": ""},
        model_ids={"K2": "k2-latest", V1: ["a", "b"]},
    )
    assert ids(site.models()) == {V1: "a", V2: V2, "K2": "k2-latest"}
    call = seen(turn_of(site, ChatRequest("K2", HELLO), session()).call(MOMENT))
    assert call.url == "http://127.0.0.1:9999/api/chat/completions"
    assert dict(call.headers)["user-agent"] == "x"
    assert "referer" not in dict(call.headers)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ProviderError, match="'nope'") as caught:
        turn_of(provider(), ChatRequest("nope", HELLO), session()).call(MOMENT)
    assert caught.value.kind is ErrorKind.MODEL_UNAVAILABLE
