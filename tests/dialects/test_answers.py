"""Streams and whole answers, checked with the models of the real OpenAI SDK."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from addons.core.errors import GatewayError
from addons.dialects.base import AnswerMeta
from addons.dialects.chat_stream import ChatStream
from addons.dialects.chat_whole import ChatWhole
from addons.dialects.completions import Completions
from providers.events import Citation, Event, Extra, Finish, Image, Reasoning, Text, ToolCallDelta, Usage

META = AnswerMeta("chatcmpl-1", 1700000000, 'mo"del')


def chunks(raw: bytes) -> list[dict[str, Any]]:
    frames = raw.decode().split("\n\n")
    assert frames[-1] == ""
    assert frames[-2] == "data: [DONE]"
    found = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    for chunk in found:
        ChatCompletionChunk.model_validate(chunk, strict=True)
        assert (chunk["id"], chunk["model"], chunk["created"]) == (META.id, META.model, META.created)
    return found


def streamed(events: Sequence[Event], *, usage: bool = False, apart: bool = True) -> list[dict[str, Any]]:
    stream = ChatStream(META, include_usage=usage)
    raw = b"".join(stream.encode([event]) for event in events) if apart else stream.encode(events)
    return chunks(raw)


def content(found: list[dict[str, Any]], field: str = "content", index: int = 0) -> str:
    deltas = [c["delta"] for chunk in found for c in chunk["choices"] if c["index"] == index]
    return "".join(delta.get(field) or "" for delta in deltas)


def whole(events: Sequence[Event]) -> dict[str, Any]:
    collector = ChatWhole(META)
    collector.add(events)
    found: dict[str, Any] = json.loads(collector.result())
    ChatCompletion.model_validate(found, strict=True)
    return found


def test_order_of_a_plain_stream() -> None:
    found = streamed([Reasoning("hm"), Text("Hel"), Text("lo"), Usage(1, 2, 3), Finish("stop")])
    assert found[0]["choices"][0] == {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    assert content(found) == "Hello"
    assert content(found, "reasoning_content") == "hm"
    assert found[-1]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert all("usage" not in chunk for chunk in found)


def test_usage_comes_last_and_is_null_before_when_asked_for() -> None:
    found = streamed([Text("x"), Usage(1, 2, 3, reasoning_tokens=1, cached_tokens=0), Finish("length")], usage=True)
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 3
    assert found[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 1}
    assert all(chunk["usage"] is None for chunk in found[:-1])


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter", "function_call"])
def test_every_finish_reason_passes_the_sdk(reason: Any) -> None:
    assert streamed([Text("x"), Finish(reason)])[-1]["choices"][0]["finish_reason"] == reason
    assert whole([Text("x"), Finish(reason)])["choices"][0]["finish_reason"] == reason


def test_an_answer_without_text_still_has_its_role_chunk() -> None:
    found = streamed([Finish("content_filter")])
    assert found[0]["choices"][0]["delta"]["role"] == "assistant"
    assert found[-1]["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("text", ['quote " and \\ slash', "line\nend\r\t", "你好 🌏", "\u2028\x00", "", "</script>"])
def test_text_survives(text: str) -> None:
    assert content(streamed([Text(text), Finish("stop")])) == text
    assert whole([Text(text), Finish("stop")])["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(["a\ud83d", "\ude00b"], "a😀b", id="a pair split in two"),
        pytest.param(["a\ud83d", "b"], "a\ufffdb", id="a half that stays alone"),
        pytest.param(["a\ud83d"], "a\ufffd", id="a half at the end"),
        pytest.param(["\ude00a"], "\ufffda", id="a second half first"),
        pytest.param(["\ud83d", "\ude00"], "😀", id="nothing but a split pair"),
    ],
)
def test_surrogate_halves_are_joined_or_replaced(pieces: list[str], expected: str) -> None:
    assert content(streamed([*(Text(p) for p in pieces), Finish("stop")])) == expected
    reasoning = streamed([*(Reasoning(p) for p in pieces), Text("x"), Finish("stop")])
    assert content(reasoning, "reasoning_content") == expected
    assert whole([*(Text(p) for p in pieces), Finish("stop")])["choices"][0]["message"]["content"] == expected


TOOLS: list[Event] = [
    ToolCallDelta(3, "call_a", "weather", ""),
    ToolCallDelta(3, "call_a", "weather", '{"city":'),
    ToolCallDelta(3, None, None, '"Paris"}'),
    ToolCallDelta(7, "call_b", "time", "{}"),
    Finish("tool_calls"),
]


def test_tool_calls_are_dense_and_named_once() -> None:
    found = streamed(TOOLS)
    calls = [call for chunk in found for c in chunk["choices"] for call in c["delta"].get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 0, 0, 1]
    assert [call["function"].get("name") for call in calls] == ["weather", None, None, "time"]
    assert [call.get("id") for call in calls] == ["call_a", None, None, "call_b"]
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}


def test_whole_tool_calls_are_put_together() -> None:
    message = whole(TOOLS)["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"] == [
        {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}},
        {"id": "call_b", "type": "function", "function": {"name": "time", "arguments": "{}"}},
    ]


def test_citations_are_annotations_before_the_end() -> None:
    events = [Text("As said[1]"), Citation("https://a", "A", "[1]", 7, 10), Citation("https://b", "B"), Finish("stop")]
    found = streamed(events)
    expected = [
        {"type": "url_citation", "url_citation": {"url": "https://a", "title": "A", "start_index": 7, "end_index": 10}},
        {"type": "url_citation", "url_citation": {"url": "https://b", "title": "B", "start_index": 0, "end_index": 0}},
    ]
    assert found[-2]["choices"][0]["delta"]["annotations"] == expected
    assert whole(events)["choices"][0]["message"]["annotations"] == expected


def test_pictures_are_markdown_on_a_line_of_their_own() -> None:
    events = [Text("Here:"), Image("https://x/y.png", "a [cat]"), Text("Done"), Finish("stop")]
    expected = "Here:\n\n![a (cat)](https://x/y.png)\nDone"
    assert content(streamed(events)) == expected
    assert whole(events)["choices"][0]["message"]["content"] == expected


def test_several_candidates_and_foreign_fields_pass() -> None:
    events: list[Event] = [
        Extra("chunk", {"system_fingerprint": "fp_1"}),
        Text("a", 0),
        Text("b", 1),
        Extra("choice", {"logprobs": {"content": [], "refusal": None}}, 1),
        Extra("delta", {"refusal": "no "}, 0),
        Extra("delta", {"refusal": "way"}, 0),
        Finish("stop", ((1, "length"),)),
    ]
    found = streamed(events)
    assert content(found, index=0) == "a"
    assert content(found, index=1) == "b"
    assert all(chunk["system_fingerprint"] == "fp_1" for chunk in found)
    assert content(found, "refusal") == "no way"
    choices = whole(events)["choices"]
    assert [c["finish_reason"] for c in choices] == ["stop", "length"]
    assert choices[0]["message"]["refusal"] == "no way"
    assert choices[1]["logprobs"] == {"content": [], "refusal": None}


def test_one_batch_gives_the_same_as_one_by_one() -> None:
    events = [Reasoning("r"), Text("a"), Text("b"), Usage(1, 1, 2), Finish("stop")]
    assert streamed(events, apart=False) == streamed(events)


def test_providers_own_usage_object_is_kept() -> None:
    usage = Usage(1, 2, 3, raw={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1})
    assert whole([Text("x"), usage, Finish("stop")])["usage"]["cost"] == 0.1


def test_a_failed_stream_ends_in_one_error_frame_without_done() -> None:
    raw = ChatStream(META, include_usage=False).error(GatewayError(502, "it broke", code="upstream_eof"))
    assert json.loads(raw.removeprefix(b"data: "))["error"]["code"] == "upstream_eof"
    assert raw.endswith(b"\n\n")
    assert b"[DONE]" not in raw


def test_legacy_answers_pass_the_sdk() -> None:
    dialect = Completions()
    parsed = dialect.parse(b'{"model":"m","prompt":"p","stream":true,"stream_options":{"include_usage":true}}')
    events: list[Event] = [Reasoning("hidden"), Text('He"'), Text("llo"), Usage(1, 2, 3), Finish("stop")]
    frames = dialect.stream(parsed, META).encode(events).decode().split("\n\n")
    assert frames[-2] == "data: [DONE]"
    found = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    for chunk in found:
        Completion.model_validate({**chunk, "choices": [{**c, "finish_reason": "stop"} for c in chunk["choices"]]})
    assert "".join(c["text"] for chunk in found for c in chunk["choices"]) == 'He"llo'
    assert found[-1]["usage"]["total_tokens"] == 3
    collector = dialect.whole(parsed, META)
    collector.add(events)
    completion = Completion.model_validate_json(collector.result(), strict=True)
    assert completion.choices[0].text == 'He"llo'
    assert completion.id == "cmpl-1"
