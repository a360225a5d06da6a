"""LongCat's requests and sessions."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Identity, Session
from providers.contract.steps import Answer, Moment, Steps
from providers.longcat.api import LongCatApi
from providers.longcat.chat import LongCatTurn
from providers.longcat.options import LongCatOptions
from providers.longcat.provider import LongCat
from tests.support.calls import Seen, seen
from tests.support.turns import steps_of, turn_of

MOMENT = Moment(1_790_000_000_000, lambda: "00000000-0000-4000-8000-0000000000ff")
COOKIES = {"cookies": {"passport_token_key": "v", "_lxsdk_s": "w"}}
HELLO = (Message("user", "Hi"),)
CHAT = ChatRequest("LongCat", HELLO)


def provider(**options: Any) -> LongCat:
    return LongCat("longcat", LongCatOptions(**options))


def session(**material: Any) -> Session:
    return provider().read_session("main", Credentials(**(material or COOKIES)))


def outcome(steps: Steps[Any] | None, answer: Answer) -> Any:
    """What steps of one call return when the site gives this answer."""
    assert steps is not None
    next(steps)
    with pytest.raises(StopIteration) as done:
        steps.send(answer)
    return done.value.value


def ok(value: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(value).encode())


def turn_in(
    conversation: str, held: Session | None = None, messages: tuple[Message, ...] = HELLO, model: str = "LongCat"
) -> LongCatTurn:
    """A turn whose conversation was made."""
    made = LongCatTurn(LongCatApi(LongCatOptions()), ChatRequest(model, messages), held or session())
    made._conversation = conversation
    return made


def completion(model: str, site: LongCat | None = None, **chat: Any) -> Seen:
    turn = turn_of(site or provider(), ChatRequest(model, HELLO, **chat), session())
    outcome(turn.prepare(MOMENT), ok({"code": 0, "data": {"conversationId": "c-1"}}))
    return seen(turn.call(MOMENT))


# -- sessions ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("material", "cookie"),
    [
        pytest.param(
            COOKIES,
            "passport_token_key=~sealed~longcat~main~cookie:passport_token_key~; "
            "_lxsdk_s=~sealed~longcat~main~cookie:_lxsdk_s~",
            id="cookies",
        ),
        pytest.param({"token": "v"}, "passport_token_key=~sealed~longcat~main~token~", id="token"),
        pytest.param(
            {"token": "v", "cookies": {"passport_token_key": "", "a": "b"}},
            "passport_token_key=~sealed~longcat~main~token~; a=~sealed~longcat~main~cookie:a~",
            id="token-and-other-cookies",
        ),
        pytest.param({"token": "v=="}, "passport_token_key=~sealed~longcat~main~token~", id="a-value-with-padding"),
        pytest.param({"token": "passport_token_key=v"}, "~sealed~longcat~main~token~", id="the-pair-pasted"),
        pytest.param(
            {"cookies": {"_lxsdk_s": "w", "passport_token_key": "passport_token_key=v=="}},
            "~sealed~longcat~main~cookie:passport_token_key~; _lxsdk_s=~sealed~longcat~main~cookie:_lxsdk_s~",
            id="the-pair-as-the-cookie",
        ),
        pytest.param(
            {"token": "_lxsdk_cuid=1; passport_token_key=v; empty=;"},
            "~sealed~longcat~main~token~",
            id="all-cookies-pasted",
        ),
    ],
)
def test_the_sign_in_goes_out_as_the_cookie_it_is(material: dict[str, Any], cookie: str) -> None:
    call = seen(turn_in("c-1", session(**material)).call(MOMENT))
    assert dict(call.headers)["cookie"] == cookie


@pytest.mark.parametrize(
    "material",
    [
        pytest.param(Credentials(), id="nothing"),
        pytest.param(Credentials(token="two words"), id="white-space"),
        pytest.param(Credentials(token="a; b=c"), id="other-cookies-pasted"),
        pytest.param(Credentials(token="passport_token_key="), id="the-pair-without-a-value"),
        pytest.param(Credentials(token='passport_token_key="v"'), id="the-pair-in-quotes"),
        pytest.param(Credentials(token="passport_token_key=two words"), id="the-pair-with-white-space"),
        pytest.param(Credentials(token="passport_token_key=v; passport_token_key="), id="the-pair-twice"),
        pytest.param(Credentials(token="passport_token_key=v\r\nx: y"), id="a-header-of-its-own"),
        pytest.param(Credentials(token="x; passport_token_key=v"), id="no-list-of-cookies"),
        pytest.param(Credentials(cookies={"_lxsdk_s": "w"}), id="only-other-cookies"),
    ],
)
def test_a_session_without_the_cookie_cannot_serve(material: Credentials) -> None:
    with pytest.raises(ProviderError, match="passport_token_key") as caught:
        provider().read_session("main", material)
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED


def test_headers_of_the_persons_own_browser_go_before_ours_but_no_signature() -> None:
    held = session(token="v", headers={"User-Agent": "mine", "Access-Token": "t", "mtgsig": "old"})
    headers = dict(seen(turn_in("c", held).call(MOMENT)).headers)
    assert headers["user-agent"] == "~sealed~longcat~main~header:User-Agent~"
    assert headers["access-token"] == "~sealed~longcat~main~header:Access-Token~"
    assert "mtgsig" not in headers


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


def test_a_conversation_made_is_taken_away_again() -> None:
    made = turn_in("c/1&x").cleanup(MOMENT)
    assert made is not None
    call = seen(made)
    assert (call.method, call.body) == ("GET", b"")
    assert call.url == "https://longcat.chat/api/v1/session-delete?conversationId=c%2F1%26x"
    assert dict(call.headers)["referer"] == "https://longcat.chat/c/c%2F1%26x"
    assert "passport_token_key" in dict(call.headers)["cookie"]
    assert turn_in("").cleanup(MOMENT) is None


# -- conversations ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("model", "agent"), [("LongCat", "1"), ("LongCat-Pro", "2")])
def test_a_conversation_is_made_first(model: str, agent: str) -> None:
    turn = turn_of(provider(), ChatRequest(model, HELLO), session())
    steps = steps_of(turn.prepare(MOMENT))
    call = seen(next(steps))
    assert (call.method, call.url) == ("POST", "https://longcat.chat/api/v1/session-create")
    assert json.loads(call.body) == {"model": "", "agentId": agent}
    assert dict(call.headers)["referer"] == "https://longcat.chat/t"
    with pytest.raises(StopIteration):
        steps.send(ok({"code": 0, "data": {"conversationId": "c-1"}}))
    assert json.loads(seen(turn.call(MOMENT)).body)["conversationId"] == "c-1"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(ok({"code": 401, "message": "request cookie is empty"}, 401), ErrorKind.SESSION_EXPIRED, id="401"),
        pytest.param(ok({"code": 9, "data": {"conversationId": "c"}}), ErrorKind.PROVIDER_DOWN, id="code-and-id"),
        pytest.param(ok({"code": 0, "data": {}}), ErrorKind.PROVIDER_DOWN, id="no-id"),
        pytest.param(ok({"code": 0, "data": {"conversationId": {}}}), ErrorKind.PROVIDER_DOWN, id="odd-id"),
        pytest.param(ok({}, 418), ErrorKind.CHALLENGE, id="418"),
        pytest.param(Answer(200, {}, b"<html>"), ErrorKind.CHALLENGE, id="page"),
    ],
)
def test_no_conversation_no_chat(answer: Answer, kind: ErrorKind) -> None:
    steps = steps_of(turn_of(provider(), CHAT, session()).prepare(MOMENT))
    next(steps)
    with pytest.raises(ProviderError) as caught:
        steps.send(answer)
    assert caught.value.kind is kind


def test_a_number_is_a_conversation_too_and_ids_are_safe_in_headers() -> None:
    turn = turn_of(provider(), CHAT, session())
    outcome(turn.prepare(MOMENT), ok({"data": {"conversationId": 7}}))
    assert json.loads(seen(turn.call(MOMENT)).body)["conversationId"] == "7"
    call = seen(turn_in("a\r\nb").call(MOMENT))
    assert dict(call.headers)["referer"] == "https://longcat.chat/c/a%0D%0Ab"


def test_a_gone_conversation_is_tried_again_in_a_new_one() -> None:
    gone = ProviderError(ErrorKind.CONVERSATION_GONE, "x")
    steps = turn_of(provider(), CHAT, session()).recover(gone, MOMENT)
    assert steps is not None
    assert list(steps) == []
    assert turn_of(provider(), CHAT, session()).recover(ProviderError(ErrorKind.CHALLENGE, "x"), MOMENT) is None


# -- the chat call ----------------------------------------------------------------------------------------------------
def test_the_completion_is_the_pages_own() -> None:
    call = completion("LongCat-2.0")
    assert (call.method, call.url) == ("POST", "https://longcat.chat/api/v1/chat-completion-V2")
    assert json.loads(call.body) == {
        "content": "Hi",
        "conversationId": "c-1",
        "agentId": "1",
        "reasonEnabled": 0,
        "searchEnabled": 0,
        "regenerate": 0,
        "parentMessageId": 0,
        "files": [],
    }
    headers = dict(call.headers)
    assert headers["referer"] == "https://longcat.chat/c/c-1"
    assert headers["origin"] == "https://longcat.chat"
    assert headers["accept"] == "text/event-stream,application/json"
    assert headers["x-requested-with"] == "XMLHttpRequest"
    assert headers["m-appkey"] == "fe_com.sankuai.friday.fe.longcat"
    assert headers["m-traceid"].isdecimal()


@pytest.mark.parametrize(
    ("model", "chat", "switches"),
    [
        ("LongCat", {}, (0, 0, "1")),
        ("LongCat", {"reasoning_effort": "high"}, (1, 0, "1")),
        ("LongCat", {"reasoning_effort": "none", "search": True}, (0, 1, "1")),
        ("LongCat-Flash", {"search": True}, (0, 1, "1")),
        ("LongCat-Thinking", {"reasoning_effort": "none"}, (1, 0, "1")),
        ("LongCat-Search", {"search": False}, (0, 1, "1")),
        ("LongCat-Thinking-Search", {}, (1, 1, "1")),
        ("LongCat-2.0-Thinking", {}, (1, 0, "1")),
        ("LongCat-Flash-Search", {}, (0, 1, "1")),
        ("LongCat-Pro", {}, (1, 1, "2")),
    ],
)
def test_names_and_wishes_become_switches(model: str, chat: dict[str, Any], switches: tuple[int, int, str]) -> None:
    body = json.loads(completion(model, **chat).body)
    assert (body["reasonEnabled"], body["searchEnabled"], body["agentId"]) == switches


def test_the_conversation_is_folded_into_one_text() -> None:
    messages = (Message("system", "Brief."), Message("user", "Q"), Message("assistant", "A"), Message("user", "Q2"))
    call = seen(turn_in("c", messages=messages).call(MOMENT))
    assert json.loads(call.body)["content"] == "[System]\nBrief.\n\n[User]\nQ\n\n[Assistant]\nA\n\n[User]\nQ2"


def test_what_ages_can_be_put_over_in_the_configuration() -> None:
    site = provider(
        base_url="http://127.0.0.1:9999",
        headers={"User-Agent": "x", "m-appkey": ""},
        models={"LongCat-Research": {"thinking": True, "agent_id": "7"}, "LongCat-Pro": {"agent_id": "3"}},
    )
    call = completion("LongCat-Research", site)
    headers, body = dict(call.headers), json.loads(call.body)
    assert call.url.startswith("http://127.0.0.1:9999/api/v1/")
    assert headers["user-agent"] == "x"
    assert "m-appkey" not in headers
    assert (body["agentId"], body["reasonEnabled"]) == ("7", 1)
    assert json.loads(completion("LongCat-Pro", site).body)["agentId"] == "3"


def test_a_wrong_key_in_a_models_switches_is_refused() -> None:
    with pytest.raises(ValidationError, match="agent"):
        LongCatOptions.model_validate({"models": {"X": {"agent": "7"}}})


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ProviderError, match="'nope'") as caught:
        completion("nope")
    assert caught.value.kind is ErrorKind.MODEL_UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "content_type", "answer"),
    [
        (200, "text/event-stream;charset=UTF-8", True),
        (200, "application/json", False),
        (200, "text/html", False),
        (418, "text/event-stream", False),
    ],
)
def test_only_a_stream_is_an_answer(status: int, content_type: str, answer: bool) -> None:
    assert turn_of(provider(), ChatRequest("LongCat", HELLO)).accepts(status, {"content-type": content_type}) is answer


def test_the_environment_may_hold_a_sign_in() -> None:
    found = LongCat.from_environment({"LONGCAT_PASSPORT_TOKEN": "abc"})
    assert found is not None
    assert found.cookies == {"passport_token_key": "abc"}
    assert LongCat.from_environment({"LONGCAT_PASSPORT_TOKEN": ""}) is None
    assert LongCat.from_environment({}) is None
