"""Z.AI's requests: signature, session, chat creation, completion, models, client version."""

import json
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.contract.call import Call
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.sealed import shown
from providers.contract.session import Credentials, Identity, Session, SessionUpdate
from providers.contract.steps import Answer, Moment
from providers.sandbox.tokens import jwt
from providers.zai import data as zai_data
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai
from providers.zai.signature import derived_key, sign
from tests.support.calls import Seen, seen
from tests.support.decoding import RECORDINGS
from tests.support.turns import turn_of

TOKEN = jwt({"id": "user-1", "email": "person@example.com"})
MOMENT = Moment(
    1_773_754_824_064, iter(f"00000000-0000-4000-8000-{n:012d}" for n in range(10_000)).__next__, "Europe/Berlin"
)


def provider(**options: Any) -> Zai:
    return Zai("zai", ZaiOptions(**options))


def session(token: str = TOKEN) -> Session:
    return provider().read_session("main", Credentials(token=token))


def chat(model: str = "GLM-4.6", *prompts: str, **fields: Any) -> ChatRequest:
    return ChatRequest(model, tuple(Message("user", prompt) for prompt in prompts or ("hi",)), **fields)


def answered(steps: Generator[Call, Answer, Any] | None, *answers: Answer) -> tuple[list[Seen], Any]:
    """The steps' calls when they get these answers, and their result."""
    assert steps is not None
    calls: list[Seen] = []
    given = iter(answers)
    try:
        calls.append(seen(next(steps)))
        while True:
            calls.append(seen(steps.send(next(given))))
    except StopIteration as end:
        return calls, end.value


def reply(value: Any, status: int = 200) -> Answer:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Answer(status, {"content-type": "application/json"}, body)


# -- signature --------------------------------------------------------------------------------------------------------
AAAA = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
VECTORS = [
    (
        "d0d30815-b85a-4270-af63-b5346a9f3b13",
        "d9fb3ca8-676f-46c3-90c7-ddc70a74e46d",
        "Reply with exactly: ok",
        1771762969397,
        "26be53ded6069ead38e6d4d596e54b020aaa2e17f75a4fa29325ead00484b214",
    ),
    (
        "11111111-2222-4333-8444-555555555555",
        AAAA,
        "Hello, world",
        1760000123456,
        "d6213326f21fac0ed0d26892938b7d0cd7974ef68d4e50164e9e6b46ccdc16d1",
    ),
    (
        "11111111-2222-4333-8444-555555555555",
        AAAA,
        "你好, world 🌏\nline 2",
        1760000123456,
        "0b65393515873e6e1fdd1639b79fd1b5e654d27ee7f607eff71f1b1f877757e4",
    ),
    ("guest-1", AAAA, "", 1760000099999, "83691bc85516e17199a105ce90dc8fbb92df64f9da1ce4cc75aff939a4b5c446"),
    (
        "user-42",
        "123e4567-e89b-12d3-a456-426614174000",
        "Reply with exactly: hi-clean",
        1774500300000,
        "1fe0f2184a7b73b49fa475d9bcad3740109976f7e23959ec1e1d5635eda17591",
    ),
]


@pytest.mark.parametrize(("user", "request_id", "prompt", "stamp", "expected"), VECTORS)
def test_known_signatures(user: str, request_id: str, prompt: str, stamp: int, expected: str) -> None:
    key = zai_data.SIGNATURE_KEY
    assert sign(key, request_id=request_id, timestamp_ms=stamp, user_id=user, prompt=prompt) == expected


def test_known_signature_with_another_key_and_no_user() -> None:
    found = sign(
        "TEST-KEY-DO-NOT-USE",
        request_id="46daabfa-1cdf-4000-8000-000000000000",
        timestamp_ms=1750000000000,
        user_id="",
        prompt="Hello",
    )
    assert found == "445932babc488914f261537fdbc68ccc8bd3be7b9b32a657d450bf644db70348"
    known = "992db111a88286cb70a5d68672e2884d2147bcc19e093f6294c26baae54b5fcf"
    assert derived_key("TEST-KEY-DO-NOT-USE", 1750000000000) == known


# -- sessions ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "material",
    [
        pytest.param(Credentials(), id="nothing"),
        pytest.param(Credentials(token="not a token"), id="no JWT"),
        pytest.param(Credentials(token="a.b.c"), id="three parts of nothing"),
        pytest.param(Credentials(token=jwt({"email": "x@y"})), id="no user"),
        pytest.param(Credentials(token=jwt({"id": "g", "email": "guest-1@guest.com"})), id="a guest"),
    ],
)
def test_secrets_that_cannot_serve(material: Credentials) -> None:
    with pytest.raises(ProviderError) as caught:
        provider().read_session("main", material)
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
    assert "chat.z.ai" in caught.value.message
    assert not any(value in caught.value.message for value in material.values().values())


def test_the_token_may_be_a_cookie() -> None:
    found = provider().read_session("main", Credentials(cookies={"token": TOKEN, "acw_tc": "edge"}))
    call = seen(next(provider().list_models(found, MOMENT)))
    headers = dict(call.headers)
    assert headers["Authorization"] == "Bearer ~sealed~zai~main~cookie:token~"
    assert headers["Cookie"] == "acw_tc=~sealed~zai~main~cookie:acw_tc~"


WHO = {"id": "user-1", "email": "person@example.com", "name": "P", "role": "user", "token": "new-token"}


def test_identify_and_rolling_refresh() -> None:
    assert answered(provider().sign_in.identify(session(), MOMENT), reply(WHO))[1] == Identity(
        "user-1", "P", "person@example.com"
    )
    assert answered(provider().sign_in.refresh(session(), MOMENT), reply(WHO))[1] == SessionUpdate(token="new-token")


@pytest.mark.parametrize(
    "who",
    [{"id": "g-1", "email": "guest-9@guest.com", "role": "guest"}, {**WHO, "id": "user-2"}],
    ids=["guest", "another"],
)
def test_a_silent_downgrade_is_an_expired_session(who: Any) -> None:
    for steps in (provider().sign_in.identify(session(), MOMENT), provider().sign_in.refresh(session(), MOMENT)):
        with pytest.raises(ProviderError) as caught:
            answered(steps, reply(who))
        assert caught.value.kind is ErrorKind.SESSION_EXPIRED


# -- requests ---------------------------------------------------------------------------------------------------------
def made(request: ChatRequest, zai: Zai | None = None) -> tuple[Seen, Seen]:
    """The chat creation and the completion for a request."""
    zai = zai or provider()
    turn = turn_of(zai, request, session())
    calls, _ = answered(turn.prepare(MOMENT), reply({"id": "chat-1"}))
    return calls[0], seen(turn.call(MOMENT))


def test_no_secret_stands_in_a_call() -> None:
    for call in made(chat()):
        assert TOKEN not in f"{call.url}{call.headers}{call.body!r}"
        assert b"~sealed~" not in call.body
    assert "token=~sealed~zai~main~token~" in made(chat())[1].url


def test_a_completion_is_signed_for_its_own_words() -> None:
    call = made(chat("GLM-4.6", "你好"))[1]
    query = {name: values[0] for name, values in parse_qs(urlsplit(call.url).query, keep_blank_values=True).items()}
    headers, body = dict(call.headers), json.loads(call.body)
    expected = sign(
        zai_data.SIGNATURE_KEY,
        request_id=query["requestId"],
        timestamp_ms=int(query["timestamp"]),
        user_id="user-1",
        prompt="你好",
    )
    assert headers["X-Signature"] == expected
    assert headers["X-FE-Version"] == zai_data.CLIENT_VERSION
    assert headers["Referer"] == "https://chat.z.ai/c/chat-1"
    assert query["timestamp"] == query["signature_timestamp"] == "1773754824064"
    assert body["signature_prompt"] == body["messages"][0]["content"] == "你好"
    assert body["chat_id"] == "chat-1"
    assert body["variables"]["{{CURRENT_DATETIME}}"] == "2026-03-17 14:40:24"


def test_the_body_has_the_recorded_form() -> None:
    file = RECORDINGS / "zai" / "glm-5-chat-2026-03-17.request.json"
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    seen = json.loads(file.read_text())
    call = made(chat("GLM-5"))[1]
    body = json.loads(call.body)
    assert set(seen["request_body"]) == set(body)
    assert set(seen["request_body"]["features"]) <= set(body["features"])
    assert set(seen["request_body"]["variables"]) == set(body["variables"])
    assert list(seen["query"]) == list(parse_qs(urlsplit(call.url).query, keep_blank_values=True))


@pytest.mark.parametrize(
    ("model", "fields", "thinking", "search", "effort"),
    [
        ("GLM-4.6", {}, False, False, None),
        ("GLM-4.6-Thinking", {}, True, False, None),
        ("GLM-4.6-Search", {}, False, True, None),
        ("GLM-4.6-Thinking-Search", {}, True, True, None),
        ("GLM-4.6", {"reasoning_effort": "high"}, True, False, None),
        ("GLM-4.6", {"reasoning_effort": "none"}, False, False, None),
        ("GLM-4.6", {"search": True}, False, True, None),
        ("GLM-5.2", {"reasoning_effort": "max"}, True, False, "max"),
        ("GLM-5.3-Thinking", {}, True, False, "high"),
        ("GLM-5.2-Search", {"reasoning_effort": "max"}, True, True, "max"),
        ("GLM-5.1", {"reasoning_effort": "max"}, True, False, None),
        ("GLM-5.3", {}, True, False, "high"),
        ("GLM-5.3-Flash-Search", {"reasoning_effort": "none"}, True, True, "high"),
    ],
)
def test_switches(model: str, fields: Any, thinking: bool, search: bool, effort: str | None) -> None:
    features = json.loads(made(chat(model, **fields))[1].body)["features"]
    assert (features["enable_thinking"], features["web_search"]) == (thinking, False)
    assert features["auto_web_search"] is search
    assert features.get("reasoning_effort") == effort


def test_history_and_system_prompt_are_one_user_message() -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", "One"),
        Message("assistant", "1"),
        Message("user", "Two"),
    )
    body = json.loads(made(ChatRequest("GLM-4.6", messages))[1].body)
    assert [m["role"] for m in body["messages"]] == ["user"]
    content = body["messages"][0]["content"]
    assert content.index("Be brief.") < content.index("One") < content.index("1") < content.index("Two")


def test_sampling_goes_into_params() -> None:
    body = json.loads(made(chat(temperature=0.5, max_tokens=9, stop=("x",)))[1].body)
    assert body["params"] == {"temperature": 0.5, "max_tokens": 9, "stop": ["x"]}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply({"detail": "Not authenticated"}, 401), ErrorKind.SESSION_EXPIRED),
        (reply(b"<html>", 405), ErrorKind.OUTDATED_CLIENT),
        (reply({"no": "id"}), ErrorKind.PROVIDER_DOWN),
        (reply(b"", 503), ErrorKind.PROVIDER_DOWN),
    ],
)
def test_a_refused_chat_creation_is_told(answer: Answer, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        answered(turn_of(provider(), chat(), session()).prepare(MOMENT), answer)
    assert caught.value.kind is kind


# -- models -----------------------------------------------------------------------------------------------------------
def test_the_live_list_decides_the_ids_and_adds_models() -> None:
    zai = provider()
    live = {
        "data": [
            {"id": "glm-4.6-x", "name": "GLM-4.6"},
            {"id": "glm-9", "name": "GLM-9"},
            {"id": "old", "name": "Old", "info": {"is_active": False}},
        ]
    }
    answered(zai.list_models(session(), MOMENT), reply(live), reply({}, 404))
    assert zai.models()["GLM-4.6"].site_id == "glm-4.6-x"
    assert zai.models()["GLM-9-Thinking"].thinking is True
    assert "Old" not in zai.models()
    assert zai.models()["GLM-4.5"].site_id == "0727-360B-API"


@pytest.mark.parametrize(
    ("settings", "path", "item"),
    [
        ({"completion_version": "1"}, "/api/chat/completions", {"id": "GLM-4-6-API-V1"}),
        ({"completion_version": "2"}, "/api/v2/chat/completions", None),
        ({"completion_version": "3"}, "/api/v2/chat/completions", None),
        ({"completion_version": ["1"]}, "/api/v2/chat/completions", None),
        ([], "/api/v2/chat/completions", None),
    ],
)
def test_the_sites_settings_name_the_path_of_a_completion(settings: Any, path: str, item: Any) -> None:
    zai = provider()
    answered(zai.list_models(session(), MOMENT), reply({"data": []}), reply(settings))
    call = made(chat("GLM-4.6"), zai)[1]
    assert urlsplit(call.url).path == path
    assert json.loads(call.body).get("model_item") == item


def test_another_name_of_a_model_that_always_thinks_thinks_too() -> None:
    zai = provider(model_ids={"mine": "x-preview-l"})
    body = json.loads(made(chat("mine", reasoning_effort="none"), zai)[1].body)
    assert (body["model"], body["features"]["enable_thinking"]) == ("x-preview-l", True)


def test_the_signed_text_is_trimmed() -> None:
    asked = made(chat("GLM-4.6", " \n你好 \t"))[1]
    body = json.loads(asked.body)
    assert (body["signature_prompt"], body["messages"][0]["content"]) == ("你好", " \n你好 \t")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"completion_version": "1"}, "/api/chat/completions"),
        ({"completion_version": 1}, "/api/chat/completions"),
        ({"completion_version": "2"}, None),
        ({"completion_version": ["1"]}, None),
        ({}, None),
    ],
    ids=str,
)
def test_what_is_not_found_may_be_the_path(settings: dict[str, Any], path: str | None) -> None:
    """The first request may be made before the site was asked which path it has."""
    zai = provider()
    missing = turn_of(zai, chat()).classify(404, {"content-type": "application/json"}, b'{"detail":"Not Found"}')
    steps = turn_of(zai, chat(), session()).recover(missing, MOMENT)
    assert steps is not None
    if path is None:
        with pytest.raises(ProviderError) as caught:
            answered(steps, reply(settings))
        assert caught.value is missing
    else:
        answered(steps, reply(settings))
        assert urlsplit(shown(made(chat(), zai)[1].url)).path == path
    assert turn_of(zai, chat(), session()).recover(missing, MOMENT) is None, "once"


def test_models_are_learnt_though_the_settings_cannot_be_read() -> None:
    zai = provider()
    listed = {"data": [{"id": "glm-9", "name": "GLM-9"}]}
    answered(zai.list_models(session(), MOMENT), reply(listed), reply({"detail": "x"}, 500))
    assert "GLM-9" in zai.models()
    steps = zai.list_models(session(), MOMENT)
    next(steps)
    steps.send(reply({"data": [{"id": "glm-10", "name": "GLM-10"}]}))
    with pytest.raises(ProviderError):
        steps.throw(ProviderError(ErrorKind.PROVIDER_DOWN, "out of reach"))
    assert "GLM-10" in zai.models()


def test_a_failed_list_leaves_the_models_as_they_are() -> None:
    zai = provider()
    before = dict(zai.models())
    with pytest.raises(ProviderError):
        answered(zai.list_models(session(), MOMENT), reply({"detail": "x"}, 500))
    assert dict(zai.models()) == before


# -- client version ---------------------------------------------------------------------------------------------------
OUTDATED = ProviderError(ErrorKind.OUTDATED_CLIENT, "too old")


def test_a_newer_client_version_is_learnt_from_the_page() -> None:
    zai = provider()
    steps = turn_of(zai, chat(), session()).recover(OUTDATED, MOMENT)
    assert steps is not None
    calls, _ = answered(steps, reply(b'<script src="/x/prod-fe-1.2.30/a.js">'))
    assert urlsplit(calls[0].url).path == "/"
    assert dict(made(chat(), zai)[1].headers)["X-FE-Version"] == "prod-fe-1.2.30"


@pytest.mark.parametrize("page", [b"<html>nothing</html>", zai_data.CLIENT_VERSION.encode()])
def test_without_a_newer_version_the_error_stands(page: bytes) -> None:
    steps = turn_of(provider(), chat(), session()).recover(OUTDATED, MOMENT)
    assert steps is not None
    with pytest.raises(ProviderError) as caught:
        answered(steps, reply(page))
    assert caught.value is OUTDATED


def test_an_edge_block_with_the_newest_version_is_a_challenge() -> None:
    error = turn_of(provider(), chat()).classify(
        405, {"content-type": "text/html"}, b"<html>405 errors.aliyun.com</html>"
    )
    steps = turn_of(provider(), chat(), session()).recover(error, MOMENT)
    assert steps is not None
    with pytest.raises(ProviderError) as caught:
        answered(steps, reply(zai_data.CLIENT_VERSION.encode()))
    assert caught.value.kind is ErrorKind.CHALLENGE


def test_a_refused_signature_is_made_anew_once_without_asking() -> None:
    body = b'{"detail":"403: Signature validation failed: \xe7\xad\xbe\xe5\x90\x8d"}'
    error = turn_of(provider(), chat()).classify(400, {"content-type": "application/json"}, body)
    steps = turn_of(provider(), chat(), session()).recover(error, MOMENT)
    assert steps is not None
    assert answered(steps)[0] == []


@pytest.mark.parametrize("kind", [ErrorKind.CHALLENGE, ErrorKind.SESSION_EXPIRED, ErrorKind.RATE_LIMITED])
def test_nothing_else_is_mended(kind: ErrorKind) -> None:
    assert turn_of(provider(), chat(), session()).recover(ProviderError(kind, "x"), MOMENT) is None


def test_site_data_can_be_overridden() -> None:
    zai = provider(client_version="prod-fe-9.9.9", headers={"X-Region": "home"}, model_ids={"GLM-4.6": "other-id"})
    call = made(chat(), zai)[1]
    headers = dict(call.headers)
    assert (headers["X-FE-Version"], headers["X-Region"]) == ("prod-fe-9.9.9", "home")
    assert json.loads(call.body)["model"] == "other-id"
