"""Requests and answers as people read them."""

import json
from typing import Any

from addons.dialects.responses.transcript import ResponsesTranscript
from addons.dialects.transcript import Passage
from addons.errors import GatewayError
from providers.contract.events import Citation, Event, Finish, Reasoning, Text, ToolCallDelta
from tests.dialects.responses.reading import answer_of, stream_of

READS = ResponsesTranscript()
EVENTS: list[Event] = [
    Reasoning("hm"),
    Text("hello"),
    Citation("https://a", "A"),
    ToolCallDelta(0, "c1", "f", '{"a":1}'),
    Finish("tool_calls"),
]
SAID: list[Passage | str] = [
    Passage("assistant, thinking", "hm"),
    Passage("assistant", "hello"),
    "  source: A https://a",
    Passage("assistant calls f", '{"a":1}'),
    "  status: completed",
]


def test_a_request() -> None:
    body: dict[str, Any] = {
        "model": "m",
        "instructions": "be brief",
        "temperature": 0.5,
        "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": "data:x"}],
            },
            {"type": "function_call", "name": "f", "namespace": "ns", "arguments": "{}", "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": "42"},
            {"type": "of_tomorrow", "x": 1},
            7,
        ],
    }
    assert list(READS.asked(json.dumps(body))) == [
        "parameters: temperature=0.5, tools=2 (f, web_search)",
        "",
        Passage("instructions", "be brief"),
        Passage("user", "hi\n[picture: data:x]"),
        Passage("assistant calls ns.f", "{}"),
        Passage("tool c", "42"),
        Passage("of_tomorrow", '{"x": 1}'),
        Passage("?", "7"),
    ]
    assert list(READS.asked('{"input": "hi"}')) == [Passage("user", "hi")]
    assert next(READS.asked("no json")) == "the client's request is no JSON:"
    assert next(READS.asked("[]")) == "the client's request is no object:"


def test_an_answer_in_a_stream_and_whole() -> None:
    stream = stream_of()
    assert list(READS.answered(stream.encode(EVENTS).decode())) == SAID
    assert list(READS.answered(json.dumps(answer_of(EVENTS)))) == SAID


def test_an_answer_so_far() -> None:
    so_far = stream_of().encode([Reasoning("hm"), Text("hel"), Text("lo")]).decode()
    assert list(READS.answered(so_far, held=2)) == [Passage("assistant", "hel"), "  status: in_progress"]
    so_far = stream_of().encode([Text("a"), ToolCallDelta(0, "c", "f", '{"a')]).decode()
    assert list(READS.answered(so_far))[1] == Passage("assistant calls f", '{"a')


def test_an_error() -> None:
    stream = stream_of()
    raw = stream.encode([Text("a")]) + stream.error(GatewayError(502, "broke off"))
    assert READS.error_of(raw.decode()) == "server_error: broke off"
    assert READS.error_of('{"error": {"code": "x", "message": "y"}}') == "x: y"
    assert READS.error_of("nothing") == ""
