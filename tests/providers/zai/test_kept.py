"""An answer of Z.AI's that is read back, and the calls of a chat that goes on."""

import json
from typing import Any

import pytest

from providers.contract.events import Event, Finish, Reasoning, Text
from providers.contract.thread import Thread
from providers.zai.decoder import ZaiDecoder
from providers.zai.kept import KeptAnswer
from tests.providers.zai.accounts import MOMENT, answered, chat, made, provider, reply, session
from tests.support.calls import seen
from tests.support.turns import turn_of

BLOCKS = [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "Hello"}, {"type": "tool_calls"}]
WHOLE: list[Event] = [Reasoning("Hm."), Text("Hello"), Finish("stop")]


def read(kept: KeptAnswer, message: object) -> list[Event] | None:
    found = kept.read(json.dumps({"data": {"a": message}}).encode(), ZaiDecoder())
    return None if found is None else list(found)


@pytest.mark.parametrize("name", ["content_blocks", "blocks"])
def test_blocks_are_the_answer(name: str) -> None:
    assert read(KeptAnswer("a"), {"role": "assistant", name: BLOCKS, "done": True}) == WHOLE


def test_an_answer_that_is_still_written_is_not_whole() -> None:
    kept = KeptAnswer("a")
    for _ in range(3):
        assert read(kept, {"content_blocks": BLOCKS, "done": False}) is None
    assert read(kept, {"content_blocks": BLOCKS, "done": True}) == WHOLE


def test_without_a_mark_it_is_whole_once_it_grows_no_more() -> None:
    kept = KeptAnswer("a")
    assert read(kept, {"content_blocks": BLOCKS[:1]}) is None
    assert read(kept, {"content_blocks": BLOCKS}) is None
    assert read(kept, {"content_blocks": BLOCKS}) == WHOLE


@pytest.mark.parametrize(
    "message", [None, [], "text", {}, {"content_blocks": "x", "done": True}, {"content_blocks": [], "done": True}]
)
def test_what_is_no_answer_is_none(message: Any) -> None:
    assert read(KeptAnswer("a"), message) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"data":[]}', b'{"data":{"b":{}}}', b"\xff"])
def test_a_body_without_it_is_none(body: bytes) -> None:
    assert KeptAnswer("a").read(body, ZaiDecoder()) is None


def test_an_answer_is_asked_for_by_its_id() -> None:
    turn = turn_of(provider(), chat(), session())
    answered(turn.prepare(MOMENT), reply({"id": "chat-1"}))
    body = json.loads(seen(turn.call(MOMENT)).body)
    [call], found = answered(
        turn.read_back(MOMENT), reply({"data": {body["id"]: {"content_blocks": BLOCKS, "done": True}}})
    )
    assert (call.method, call.url) == ("POST", "https://chat.z.ai/api/v1/chats/chat-1/messages/batch")
    assert json.loads(call.body) == {"ids": [body["id"]]}
    assert list(found) == WHOLE
    stop = turn.stop(MOMENT)
    assert stop is not None
    assert seen(stop).url == f"https://chat.z.ai/api/tasks/stop/{body['id']}"
    assert turn.thread == Thread("chat-1", body["id"])


def test_a_refusal_is_no_answer() -> None:
    turn = turn_of(provider(), chat(), session())
    answered(turn.prepare(MOMENT), reply({"id": "chat-1"}))
    assert answered(turn.read_back(MOMENT), reply({"detail": "Not Found"}, 404))[1] is None


def test_a_chat_goes_on_behind_its_answer() -> None:
    turn = turn_of(provider(), chat(thread=Thread("chat-1", "answer-1")), session())
    assert turn.prepare(MOMENT) is None
    call = seen(turn.call(MOMENT))
    body = json.loads(call.body)
    assert (body["chat_id"], body["current_user_message_parent_id"]) == ("chat-1", "answer-1")
    assert body["id"] not in ("answer-1", body["current_user_message_id"])
    assert turn.thread == Thread("chat-1", body["id"])
    first = json.loads(made(chat())[1].body)
    assert first["current_user_message_parent_id"] is None


def test_a_chat_that_the_site_did_not_make_is_not_kept() -> None:
    turn = turn_of(provider(create_chat=False), chat(), session())
    assert turn.prepare(MOMENT) is None
    assert (turn.thread, turn.read_back(MOMENT)) == (None, None)
