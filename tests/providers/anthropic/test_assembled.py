"""Events put together to a message."""

from typing import Any

import pytest

from providers.anthropic.assembled import Assembled
from tests.providers.anthropic.streams import closed, delta, end, opened, said, start


def made(*events: dict[str, Any]) -> dict[str, Any]:
    assembled = Assembled()
    for event in events:
        assembled.read(event)
    return assembled.message()


def test_blocks_stand_in_their_order_with_all_their_pieces() -> None:
    call = opened({"type": "tool_use", "id": "t", "name": "f", "input": {}}, 1)
    pieces = [delta("input_json_delta", 1, partial_json=piece) for piece in ('{"a":', "1}")]
    found = made(start(), call, *pieces, closed(1), *said("Hel", "lo"), *end("tool_use"))
    assert found["content"] == [
        {"type": "text", "text": "Hello"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ]
    assert (found["stop_reason"], found["usage"]) == ("tool_use", {"input_tokens": 12, "output_tokens": 9})
    assert found["id"] == "msg_1"


def test_a_thought_keeps_its_signature_and_a_text_its_sources() -> None:
    thought = opened({"type": "thinking", "thinking": "", "signature": ""})
    cited = opened({"type": "text", "text": ""}, 1)
    found = made(
        start(),
        thought,
        delta("thinking_delta", thinking="Hm."),
        delta("signature_delta", signature="s"),
        cited,
        delta("text_delta", 1, text="x"),
        delta("citations_delta", 1, citation={"cited_text": "y"}),
    )
    assert found["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "x", "citations": [{"cited_text": "y"}]},
    ]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "message_start", "message": 3},
        delta("text_delta", 7, text="x"),
        {"type": "message_delta", "usage": 3},
    ],
    ids=str,
)
def test_odd_events_add_nothing(event: dict[str, Any]) -> None:
    assert made(event) == {"content": [], "usage": {}}


def test_arguments_that_are_no_json_are_none() -> None:
    call = opened({"type": "tool_use", "id": "t", "name": "f", "input": {}})
    assert made(call, delta("input_json_delta", partial_json="{"))["content"][0]["input"] == {}


def test_a_delta_of_another_kind_is_no_part_of_a_block() -> None:
    found = made(start(), *said("a")[:-1], delta("thinking_delta", thinking="Hm"), closed(), *end())
    assert found["content"] == [{"type": "text", "text": "a"}]


def test_halves_of_a_character_are_put_together() -> None:
    found = made(start(), *said("\ud83d", "\ude00"), *end())
    assert found["content"] == [{"type": "text", "text": "😀"}]
