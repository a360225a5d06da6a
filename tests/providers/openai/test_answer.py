"""The forms an OpenAI answer comes in: whole, as a stream, mixed, in an envelope, its content in any shape."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Finish
from providers.openai.choice import ReadingOptions
from tests.providers.openai.streams import FIXTURES, STOP, USAGE, chunk, decode, delta, sse, words

A, B = json.dumps(words("a")), json.dumps(words("b", "stop"))


@pytest.mark.parametrize("name", ["data", "result", "response", "output"])
def test_an_answer_in_an_envelope_is_read(name: str) -> None:
    message = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    body = json.dumps({"code": 0, "msg": "ok", name: {"choices": [message], "usage": USAGE}}).encode()
    answer = decode([body], stream=False)
    assert (answer.text, answer.end, answer.usage and answer.usage.total_tokens) == ({0: "a"}, Finish("stop"), 13)


def test_a_truncated_whole_answer_is_incomplete() -> None:
    body = (FIXTURES / "synthetic-whole.json").read_bytes()
    for at in range(1, len(body) - 1):
        if body[:at].strip():
            assert decode([body[:at]], stream=False).failure.kind is ErrorKind.INCOMPLETE, at


def test_a_whole_answer_without_a_reason_still_ends() -> None:
    body = json.dumps({"choices": [{"message": {"content": "a"}}]}).encode()
    assert decode([b"\n\n  \n" + body], stream=False).end == Finish("stop")


def test_objects_line_by_line_are_a_stream() -> None:
    answer = decode([f"{A}\n{B}\n".encode()])
    assert (answer.text, answer.end) == ({0: "ab"}, Finish("stop"))


def test_a_stream_for_a_whole_answer_is_put_together() -> None:
    body = sse(
        chunk(delta({"content": "a", "function_call": {"name": "f", "arguments": '{"x"'}}, logprobs={"content": [1]})),
        chunk(delta({"refusal": "I ", "function_call": {"arguments": ":1}"}}, logprobs={"content": [2]})),
        chunk(delta({"refusal": "won't", "reasoning_details": [{"index": 0, "type": "t", "text": "p"}]})),
        chunk(delta({"reasoning_details": [{"index": 0, "type": "t", "text": "q"}]})),
        STOP,
    )
    answer = decode([body], stream=False, reading=ReadingOptions(legacy=True))
    assert answer.extra == [
        (
            "delta",
            0,
            {
                "function_call": {"name": "f", "arguments": '{"x":1}'},
                "refusal": "I won't",
                "reasoning_details": [{"index": 0, "type": "t", "text": "pq"}],
            },
        ),
        ("choice", 0, {"logprobs": {"content": [1, 2]}}),
    ]


def test_a_last_chunk_that_repeats_the_answer_adds_nothing() -> None:
    again = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    assert decode([sse(words("a"), chunk(again))]).text == {0: "a"}


def said(content: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more}
    return chunk({"index": 0, "message": message, "finish_reason": reason})


MESSAGES = {
    "pieces": [said("Hel"), said("lo"), said("", "stop")],
    "snapshots": [said("Hel"), said("Hello"), said("Hello", "stop")],
    "equal pieces": [said("He"), said("l"), said("l"), said("o", "stop")],
    "the same piece again": [said("He"), said("l"), said("l"), said("o", "stop")],
    "snapshots in parts": [said([{"type": "text", "text": "Hel"}]), said(["Hello"], "stop")],  # type: ignore[arg-type]
    "beside empty deltas": [
        chunk({"index": 0, "delta": {"role": "assistant", "content": ""}, "message": {"content": "Hel"}}),
        chunk({"index": 0, "delta": {}, "message": {"content": "Hello"}, "finish_reason": "stop"}),
    ],
    "beside deltas": [
        chunk({"index": 0, "delta": {"content": ""}, "message": {"content": ""}}),
        chunk({"index": 0, "delta": {"content": "Hel"}, "message": {"content": "Hel"}}),
        chunk({"index": 0, "delta": {"content": "lo"}, "message": {"content": "Hello"}}),
        chunk({"index": 0, "delta": {}, "message": {"content": "Hello"}, "finish_reason": "stop"}),
    ],
    "text in a delta": [chunk(delta({"text": "Hel"})), chunk(delta({"text": "lo"}, reason="stop"))],
    "choices that are texts": [{"choices": ["Hel"]}, {"choices": ["lo"]}, STOP],
    "text for a delta": [
        chunk({"index": 0, "delta": "Hel"}),
        chunk({"index": 0, "delta": "lo", "finish_reason": "stop"}),
    ],
    "choices as an object": [{"choices": {"delta": {"content": "Hello"}, "finish_reason": "stop"}}],
    "index as text": [chunk(delta({"content": "Hel"}, "0")), chunk(delta({"content": "lo"}, "0", "stop"))],  # type: ignore[arg-type]
    "index one": [chunk(delta({"content": "Hel"}, 1)), chunk(delta({"content": "lo"}, 1, "stop"))],
}


@pytest.mark.parametrize("frames", MESSAGES.values(), ids=MESSAGES.keys())
def test_frames_of_other_forms_are_read(frames: list[Any]) -> None:
    answer = decode([sse(*frames)])
    assert (answer.text, answer.end) == ({0: "Hello"}, Finish("stop"))


def test_what_deltas_did_not_hold_is_taken_from_the_message_behind_them() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    last = {"index": 0, "message": {"content": "a", "tool_calls": [call]}, "finish_reason": "tool_calls"}
    answer = decode([sse(words("a"), chunk(last))])
    assert (answer.text, answer.calls) == ({0: "a"}, [(0, 0, "a", "f", "{}")])
    thought = chunk(delta({"reasoning_content": "r"}))
    assert decode([sse(thought, said("a", "stop"))]).text == {0: "a"}


def test_calls_of_messages_that_grow_or_come_in_pieces_are_one() -> None:
    parts = ('{"a"', '{"a":1}')
    grown = [{"id": "c", "function": {"name": "f", "arguments": arguments}} for arguments in parts]
    frames = [said("x", tool_calls=[grown[0]]), said("x", "tool_calls", tool_calls=[grown[1]])]
    assert decode([sse(*frames)]).calls == [(0, 0, "c", "f", '{"a":1}')]
    frames = [
        said("", tool_calls=[grown[0]]),
        said("", "tool_calls", tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
    ]
    assert decode([sse(*frames)]).calls == [(0, 0, "c", "f", '{"a":1}')]
