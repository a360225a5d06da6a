"""A chat with LongCat: the conversation, then its one question."""

import json
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.steps import Answer
from tests.providers.longcat.accounts import HELLO, MOMENT, completion, ok, outcome, provider, session, turn_in
from tests.support.calls import seen
from tests.support.turns import steps_of, turn_of

CHAT = ChatRequest("LongCat", HELLO)


def test_a_conversation_made_is_taken_away_again() -> None:
    (made,) = turn_in("c/1&x").cleanup(MOMENT)
    call = seen(made)
    assert (call.method, call.body) == ("GET", b"")
    assert call.url == "https://longcat.chat/api/v1/session-delete?conversationId=c%2F1%26x"
    assert dict(call.headers)["referer"] == "https://longcat.chat/c/c%2F1%26x"
    assert "passport_token_key" in dict(call.headers)["cookie"]
    assert turn_in("").cleanup(MOMENT) == ()


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
