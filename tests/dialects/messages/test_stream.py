"""Events to the named events of a stream: order, blocks, calls, ends; what other translators are known to get wrong."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.base import AnswerMeta
from addons.dialects.messages.answer import SIGNATURE
from addons.dialects.messages.stream import MessagesStream
from addons.dialects.messages.whole import MessagesWhole
from addons.errors import GatewayError
from providers.contract.events import (
    Citation,
    Event,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Verbatim,
)
from tests.support.counting import work_of
from tests.support.messages import names, put_together, told

META = AnswerMeta("msg_1", 1, "m")
END = Finish("stop")
CALLED = Finish("tool_calls")


def stream(*events: Event, thinks: bool = True) -> bytes:
    encoder = MessagesStream(META, thinks=thinks, prompt_tokens=9)
    return b"".join(encoder.encode([event]) for event in events)


def call(index: int, name: str | None, arguments: str = "") -> ToolCallDelta:
    return ToolCallDelta(index, None if name is None else f"call_{name}", name, arguments)


def blocks(*events: Event, thinks: bool = True) -> list[Any]:
    return put_together(stream(*events, thinks=thinks))


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def thinking(words: str) -> dict[str, str]:
    return {"type": "thinking", "thinking": words, "signature": SIGNATURE}


def use(name: str, **arguments: object) -> dict[str, object]:
    return {"type": "tool_use", "id": f"call_{name}", "name": name, "input": arguments}


def last_delta(raw: bytes) -> dict[str, Any]:
    return next(data for name, data in told(raw) if name == "message_delta")


def test_a_stream_has_its_events_in_order() -> None:
    raw = stream(Reasoning("Hm"), Text("Hel"), Text("lo"), Usage(10, 7, 17, reasoning_tokens=2, cached_tokens=4), END)
    assert names(raw) == [
        "message_start",
        *("content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"),
        *("content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop"),
    ]
    assert all(name == data["type"] for name, data in told(raw))
    (_, start), *_ = told(raw)
    assert start["message"] == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }
    assert last_delta(raw) == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4,
            "output_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    }
    assert put_together(raw) == [thinking("Hm"), text("Hello")]


def test_each_piece_is_written_when_it_comes() -> None:
    encoder = MessagesStream(META, thinks=True)
    assert b'"text":"Hel"' in encoder.encode([Text("Hel")])
    assert encoder.encode([Text("lo")]).count(b"event:") == 1
    begun = encoder.encode([call(0, "f")])
    assert names(begun) == ["content_block_stop", "content_block_start"]
    assert b'"partial_json":"{\\"a"' in encoder.encode([call(0, None, '{"a')])


def test_thinking_is_told_to_who_has_asked_for_it() -> None:
    raw = stream(Reasoning("Hm"), Text("a"), END, thinks=False)
    assert put_together(raw) == [text("a")]
    assert names(MessagesStream(META, thinks=False).encode([Reasoning("Hm")])) == ["message_start"], "it has begun"


def test_kinds_that_take_turns_are_blocks_of_their_own() -> None:
    found = blocks(Text("a"), Reasoning("b"), Text("c"), call(0, "f", "{}"), Reasoning("d"), Text("e"), END)
    assert found == [text("a"), thinking("b"), text("c"), use("f"), thinking("d"), text("e")]


def test_no_text_block_begins_before_a_call_for_white_space_alone() -> None:
    assert blocks(Text(""), Text("\n\n"), call(0, "f", "{}"), CALLED) == [use("f")]
    assert blocks(Text("\n"), Text(" "), Text(" a"), END) == [text("\n  a")]
    assert blocks(Reasoning(""), END) == []


def test_calls_one_behind_the_other() -> None:
    found = blocks(call(3, "a"), call(3, None, '{"x":'), call(3, None, "1}"), call(7, "b", '{"y":2}'), CALLED)
    assert found == [use("a", x=1), use("b", y=2)]


def test_calls_whose_pieces_come_mixed_are_whole() -> None:
    mixed = [call(0, "a"), call(1, "b"), call(0, None, '{"x":'), call(1, None, '{"y":'), call(0, None, "1}")]
    assert blocks(*mixed, call(1, None, "2}"), CALLED) == [use("a", x=1), use("b", y=2)]
    late = [call(0, "a", '{"x":'), Text("between"), Reasoning("and"), call(0, None, "1}"), Text(" more")]
    assert blocks(*late, CALLED) == [use("a", x=1), text("between"), thinking("and"), text(" more")]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    """Claude Code takes a call without any piece of its input for a broken one."""
    raw = stream(call(0, "f"), CALLED)
    assert put_together(raw) == [use("f")]
    assert b'"partial_json":"{}"' in raw


def test_a_call_that_was_cut_off_ends_its_block() -> None:
    raw = stream(call(0, "f", '{"a": "b'), Finish("length"))
    assert names(raw)[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert last_delta(raw)["delta"]["stop_reason"] == "max_tokens"


def test_ids_of_calls_are_ones_that_can_be_and_each_but_once() -> None:
    odd = [ToolCallDelta(0, "call/1.a", "f", "{}"), ToolCallDelta(1, None, "g", "{}"), call(2, "h", "{}")]
    ids = [block["id"] for block in blocks(*odd, ToolCallDelta(3, "call_h", "h", "{}"), CALLED)]
    assert len(set(ids)) == 4
    assert all(one.replace("_", "a").isalnum() for one in ids)
    assert ids[2] == "call_h"
    assert ids == [block["id"] for block in blocks(*odd, ToolCallDelta(3, "call_h", "h", "{}"), CALLED)]


@pytest.mark.parametrize(
    ("events", "delta"),
    [
        ([Text("a"), Finish("length")], {"stop_reason": "max_tokens", "stop_sequence": None}),
        ([call(0, "f", "{}"), CALLED], {"stop_reason": "tool_use", "stop_sequence": None}),
        ([call(0, "f", "{}"), END], {"stop_reason": "tool_use", "stop_sequence": None}),
        ([Text("a"), CALLED], {"stop_reason": "end_turn", "stop_sequence": None}),
        ([Text("a"), Finish("stop", stop_sequence="X")], {"stop_reason": "stop_sequence", "stop_sequence": "X"}),
        (
            [Text("a"), Finish("content_filter")],
            {
                "stop_reason": "refusal",
                "stop_sequence": None,
                "stop_details": {"type": "refusal", "category": None, "explanation": None},
            },
        ),
        (
            [Passthrough("delta", {"refusal": "I "}), Passthrough("delta", {"refusal": "will not."}), END],
            {
                "stop_reason": "refusal",
                "stop_sequence": None,
                "stop_details": {"type": "refusal", "category": None, "explanation": "I will not."},
            },
        ),
    ],
)
def test_why_it_ended(events: Sequence[Event], delta: Any) -> None:
    assert last_delta(stream(*events))["delta"] == delta
    whole = MessagesWhole(META, thinks=True).encode(events)
    assert all(f'"stop_reason":"{delta["stop_reason"]}"'.encode() in raw for raw in (stream(*events), whole))


def test_a_refusal_is_also_said() -> None:
    assert blocks(Passthrough("delta", {"refusal": "No."}), END) == [text("No.")]


def test_an_answer_with_nothing_in_it_has_a_beginning_and_an_end() -> None:
    assert names(stream(END)) == ["message_start", "message_delta", "message_stop"]


def test_pictures_are_links_in_the_text() -> None:
    found = blocks(Text("See:"), Image("https://p", "a [cat]"), Image("data:image/png;base64,AA"), END)
    assert found == [text("See:\n\n![a (cat)](https://p)\n![image](data:image/png;base64,AA)\n")]
    assert blocks(Image("https://p"), END) == [text("![image](https://p)\n")]


def test_sources_are_the_last_lines_of_the_text() -> None:
    sources = [Citation("https://a", "A [1]", "[1]"), Citation("https://b", ""), Citation("https://a", "A [1]")]
    words = "\n\nSources:\n- [A (1)](https://a)\n- [https://b](https://b)"
    assert blocks(Text("a"), *sources, END) == [text("a" + words)]
    assert blocks(call(0, "f", "{}"), *sources[:1], CALLED)[-1] == text("\n\nSources:\n- [A (1)](https://a)")


def test_an_answer_of_the_form_itself_goes_on_as_it_came() -> None:
    own = [Verbatim(b"event: message_start\n"), Usage(1, 1, 2), Verbatim(b"data: {}\n\n"), END]
    assert stream(*own) == b"event: message_start\ndata: {}\n\n"


def test_halves_of_pairs_are_joined_and_lone_ones_replaced() -> None:
    found = blocks(
        Text("a\ud83d"), Text("\ude00b\ud83d"), Reasoning("\ud83d"), Reasoning("\ude00"), Text("\ude00"), END
    )
    assert found == [text("a😀b�"), thinking("😀"), text("�")]
    assert blocks(call(0, "f", '{"a":"\ud83d'), call(0, None, '\ude00"}'), CALLED) == [use("f", a="😀")]


def test_other_candidates_are_left_out() -> None:
    assert blocks(Text("a"), Text("b", 1), Reasoning("c", 1), Text("d"), Finish("stop", ((1, "stop"),))) == [text("ad")]


def test_an_error_is_the_last_event() -> None:
    encoder = MessagesStream(META, thinks=True)
    raw = encoder.encode([Text("a")]) + encoder.error(GatewayError(502, "It broke.", code="upstream_eof"))
    assert told(raw)[-1] == ("error", {"type": "error", "error": {"type": "api_error", "message": "It broke."}})
    assert names(raw)[-2:] == ["content_block_delta", "error"]


PIECES = st.one_of(
    st.builds(Text, st.text(max_size=3)),
    st.builds(Reasoning, st.text(max_size=3)),
    st.builds(lambda i, a: call(i, f"f{i}", a), st.integers(0, 2), st.sampled_from(["", "{", '{"a":1}', '"b":2}'])),
    st.just(Citation("https://a", "A")),
    st.just(Image("https://p")),
)


@given(st.lists(PIECES, max_size=12), st.booleans())
def test_whatever_comes_the_blocks_are_in_order(events: list[Event], thinks: bool) -> None:
    raw = stream(*events, END, thinks=thinks)
    starts = [data["index"] for name, data in told(raw) if name == "content_block_start"]
    ends = [data["index"] for name, data in told(raw) if name == "content_block_stop"]
    assert starts == ends == list(range(len(starts)))
    assert names(raw)[0] == "message_start"
    assert names(raw)[-2:] == ["message_delta", "message_stop"]
    assert names(raw).count("message_start") == 1


@pytest.mark.parametrize(
    "piece",
    [Text(" "), Text("a"), Reasoning("a"), call(0, "f", "{"), call(0, "f", "a"), Citation("https://a", "A")],
    ids=repr,
)
def test_many_pieces_cost_as_much_as_few_each(piece: Event) -> None:
    def work(count: int) -> int:
        encoder = MessagesStream(META, thinks=True)
        events = [call(0, "f", "{"), Text("x"), *[piece] * count, END]
        return work_of(lambda: [encoder.encode([event]) for event in events])[1]

    assert work(4000) < 2.5 * work(2000)
