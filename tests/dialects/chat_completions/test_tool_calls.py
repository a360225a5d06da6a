"""Tool calls in fragments, and the fragments put together."""

import json

from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.tool_calls import ToolCalls, merged
from addons.dialects.chat_completions.whole import ChatWhole
from providers.contract.events import Event, Finish, ToolCallDelta
from tests.dialects.chat_completions.test_stream import META, whole


def test_ids_of_calls_that_have_none_are_never_given_again() -> None:
    call: list[Event] = [ToolCallDelta(0, None, "f", "{}"), ToolCallDelta(1, None, "f", "{}")]
    ids = []
    for answer in ("chatcmpl-1", "chatcmpl-2"):
        meta = AnswerMeta(answer, 1, "m")
        collector = ChatWhole(meta)
        body = collector.encode(
            [*call, *(ToolCallDelta(0, None, "f", "{}", 1) for _ in range(1)), Finish("tool_calls")]
        )
        message = json.loads(body)["choices"]
        ids += [entry["id"] for choice in message for entry in choice["message"]["tool_calls"]]
        stream = ChatStream(meta, include_usage=False).encode(call).decode()
        assert ids[-3] in stream
        assert ids[-2] in stream
    assert len(set(ids)) == 6


def test_custom_tool_calls_keep_their_own_form() -> None:
    events: list[Event] = [
        ToolCallDelta(0, "c", "run", "", extra={"type": "custom", "custom": {"name": "run", "input": "ls "}}),
        ToolCallDelta(0, None, None, "", extra={"type": "custom", "custom": {"input": "-l"}}),
        Finish("tool_calls"),
    ]
    assert whole(events)["choices"][0]["message"]["tool_calls"] == [
        {"id": "c", "type": "custom", "custom": {"name": "run", "input": "ls -l"}}
    ]
    raw = ChatStream(META, include_usage=False).encode(events)
    assert raw.count(b'"name":"run"') == 1
    assert b'"function"' not in raw


def test_indexes_are_dense_and_names_said_once() -> None:
    calls = ToolCalls("chatcmpl-1")
    said = [ToolCallDelta(7, "a", "f", "{"), ToolCallDelta(9, "b", "g", ""), ToolCallDelta(7, "a", "f", "}")]
    found = [calls.fragment(delta) for delta in said]
    assert [one["index"] for one in found] == [0, 1, 0]
    assert [one["function"].get("name") for one in found] == ["f", "g", None]
    assert [(call["id"], call["function"]["arguments"]) for call in merged(found)] == [("a", "{}"), ("b", "")]


def test_half_a_letter_waits_for_its_other_half() -> None:
    calls = ToolCalls("chatcmpl-1")
    found = [calls.fragment(ToolCallDelta(0, "a", "f", piece)) for piece in ("\ud83d", "\ude00\ud83d")]
    assert merged([*found, *calls.rest()])[0]["function"]["arguments"] == "\U0001f600\ufffd"
