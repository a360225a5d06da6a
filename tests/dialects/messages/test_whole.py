"""Events to one message: the same blocks as in a stream, with the input of calls as an object."""

import json
from typing import Any

import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.messages.answer import SIGNATURE
from addons.dialects.messages.whole import MessagesWhole
from providers.contract.events import (
    Citation,
    Event,
    Finish,
    Image,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Verbatim,
    Withdrawn,
)

META = AnswerMeta("msg_1", 1, "m")


def whole(*events: Event, thinks: bool = True, reason: Any = "stop") -> dict[str, Any]:
    encoder = MessagesWhole(META, thinks=thinks)
    assert encoder.encode(events) == b""
    found: dict[str, Any] = json.loads(encoder.encode([Finish(reason)]))
    return found


def test_a_message_has_all_fields_of_the_form() -> None:
    calls = [
        ToolCallDelta(0, "call_a", "f", '{"x":'),
        ToolCallDelta(1, "call_b", "g", ""),
        ToolCallDelta(0, None, None, "1}"),
    ]
    found = whole(Reasoning("H"), Reasoning("m"), Text("a"), Text("b"), *calls, Usage(5, 7, 12), reason="tool_calls")
    assert found == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": SIGNATURE},
            {"type": "text", "text": "ab"},
            {"type": "tool_use", "id": "call_a", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "call_b", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 7,
        },
    }


@pytest.mark.parametrize("arguments", ["{a:1}", '{"a": "b', "[1]", "3"])
def test_arguments_that_are_no_object_are_an_empty_one(arguments: str) -> None:
    assert whole(ToolCallDelta(0, "c", "f", arguments))["content"][0]["input"] == {}


def test_what_was_withdrawn_is_not_told_and_calls_are() -> None:
    said: list[Event] = [Text("a"), Reasoning("b"), Citation("https://a", "A"), ToolCallDelta(0, "c", "f", "{}")]
    found = whole(*said, Withdrawn(), Text("d"))
    assert [block["type"] for block in found["content"]] == ["tool_use", "text"]


def test_blocks_of_nothing_are_left_out() -> None:
    assert whole(Text(" \n"), Reasoning(""))["content"] == []
    assert whole(Reasoning("a"), thinks=False)["content"] == []


def test_pictures_and_sources_are_text() -> None:
    (block,) = whole(Text("a"), Image("https://p"), Image("https://q"), Citation("https://s", "S"))["content"]
    assert block["text"] == "a\n\n![image](https://p)\n![image](https://q)\n\n\nSources:\n- [S](https://s)"


def test_halves_of_pairs_are_joined() -> None:
    assert whole(Text("\ud83d"), Text("\ude00\ud83d"))["content"][0]["text"] == "😀�"


def test_other_candidates_are_left_out() -> None:
    assert whole(Text("a"), Text("b", 1))["content"] == [{"type": "text", "text": "a"}]


def test_an_answer_of_the_form_itself_goes_on_as_it_came() -> None:
    encoder = MessagesWhole(META, thinks=True)
    assert encoder.encode([Verbatim(b'{"id"'), Verbatim(b":1}"), Usage(1, 1, 2), Finish("stop")]) == b'{"id":1}'
