"""An answer of Qwen's that is read back, and the calls of a chat that goes on."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Finish, Text
from providers.contract.thread import Thread
from providers.qwen.decoder import QwenDecoder
from providers.qwen.kept import KeptAnswer
from tests.providers.qwen.accounts import CHAT_ID, CREATED, answer, chat, moment, qwen, run, session
from tests.support.calls import seen
from tests.support.turns import turn_of

TYPING = {"phase": "answer", "content": "Hel", "status": "typing"}
FINISHED = {"phase": "answer", "content": "Hello", "status": "finished"}
THOUGHT = {"phase": "think", "content": "Hm.", "status": "finished"}
WHOLE: list[Event] = [Text("Hello"), Finish("stop")]


def body(message: object, current: object = "r1") -> bytes:
    return json.dumps({"success": True, "data": {"chat": {"history": history(message, current)}}}).encode()


def history(message: object, current: object = "r1") -> dict[str, Any]:
    return {"currentId": current, "messages": {"r1": message}}


def read(kept: KeptAnswer, message: object, *, response_id: str = "r1", behind: str | None = None) -> Any:
    found = kept.read(body(message), response_id, behind, QwenDecoder())
    return None if found is None else list(found)


def said(*parts: object, **fields: object) -> dict[str, object]:
    return {"role": "assistant", "content": "", "content_list": list(parts), **fields}


def test_a_finished_part_is_the_answer() -> None:
    assert read(KeptAnswer(), said(THOUGHT, FINISHED)) == WHOLE


def test_a_part_that_is_typed_is_not_whole() -> None:
    kept = KeptAnswer()
    for _ in range(3):
        assert read(kept, said(TYPING)) is None
    assert read(kept, said(FINISHED)) == WHOLE


@pytest.mark.parametrize(
    "message", [said({"phase": "answer", "content": "Hello"}), {"role": "assistant", "content": "Hello"}]
)
def test_without_a_status_it_is_whole_once_it_grows_no_more(message: dict[str, Any]) -> None:
    kept = KeptAnswer()
    assert read(kept, {"role": "assistant", "content": "Hel"}) is None
    assert read(kept, message) is None
    assert read(kept, message) == WHOLE


def test_a_mark_on_the_message_counts() -> None:
    assert read(KeptAnswer(), {"role": "assistant", "content": "Hello", "done": True}) == WHOLE
    assert read(KeptAnswer(), {"role": "assistant", "content": "Hello", "done": False}) is None


def test_without_an_id_it_is_the_newest_but_not_the_one_before() -> None:
    assert read(KeptAnswer(), said(FINISHED), response_id="") == WHOLE
    assert read(KeptAnswer(), said(FINISHED), response_id="", behind="r1") is None
    assert read(KeptAnswer(), said(FINISHED), response_id="r2") is None
    assert read(KeptAnswer(), {**said(FINISHED), "role": "user"}, response_id="") is None


@pytest.mark.parametrize("message", [None, [], "x", {}, said(), said("x", None), said({"phase": "think"})])
def test_what_is_no_answer_is_none(message: Any) -> None:
    for _ in range(2):
        assert read(KeptAnswer(), message) is None


@pytest.mark.parametrize(
    "payload", [b"", b"<html>", b"[]", b'{"data":[]}', b'{"success":false}', body(said(FINISHED), 7)]
)
def test_a_body_without_it_is_none(payload: bytes) -> None:
    assert KeptAnswer().read(payload, "", None, QwenDecoder()) is None


def test_the_calls_of_a_chat_that_goes_on() -> None:
    turn = turn_of(qwen(), chat("qwen3.7-plus", thread=Thread("c1", "r0", "t2t")), session())
    _, calls = run(turn.prepare(moment()))
    assert calls == []
    call = seen(turn.call(moment()))
    asked = json.loads(call.body)
    (message,) = asked["messages"]
    places = asked["parentId"], asked["parent_id"], message["parentId"], message["parent_id"]
    assert places == ("r0",) * 4
    assert call.url.endswith("?chat_id=c1")
    assert [turn.thread] == [None]  # while the site has not said which answer it is
    created = {"response.created": {"chat_id": "c1", "response_id": "r1", "response_index": "0"}}
    turn.decoder().feed(b"data: %s\n\n" % json.dumps(created).encode())
    assert turn.thread == Thread("c1", "r1", "t2t")
    stop = turn.stop(moment())
    assert stop is not None
    assert seen(stop).url == "https://chat.qwen.ai/api/v2/chat/completions/stop?chat_id=c1"
    assert json.loads(seen(stop).body) == {"chat_id": "c1", "response_id": "r1"}
    found, [got] = run(turn.read_back(moment()), answer({"data": {"chat": {"history": history(said(FINISHED))}}}))
    assert (got.method, got.url) == ("GET", "https://chat.qwen.ai/api/v2/chats/c1")
    assert found is not None
    assert list(found) == WHOLE


def test_a_stop_without_an_id_names_the_chat() -> None:
    turn = turn_of(qwen(), chat(), session())
    assert turn.stop(moment()) is None
    run(turn.prepare(moment()), answer(CREATED))
    stop = turn.stop(moment())
    assert stop is not None
    assert json.loads(seen(stop).body) == {"chat_id": CHAT_ID}


def test_a_chat_of_another_kind_is_not_gone_on_with() -> None:
    turn = turn_of(qwen(), chat("qwen3.7-plus", thread=Thread("c1", "r0", "search")), session())
    with pytest.raises(ProviderError) as caught:
        run(turn.prepare(moment()))
    assert caught.value.kind is ErrorKind.CONVERSATION_GONE


@pytest.mark.parametrize("response_id", ["../x", "a b", "x" * 200, 7, ""])
def test_an_id_that_can_be_none_leaves_no_thread(response_id: Any) -> None:
    turn = turn_of(qwen(), chat("qwen3.7-plus"), session())
    run(turn.prepare(moment()), answer(CREATED))
    frame = {"choices": [{"delta": {"phase": "answer", "content": "Hi"}}], "response_id": response_id}
    turn.decoder().feed(b"data: %s\n\n" % json.dumps(frame).encode())
    assert turn.thread is None
