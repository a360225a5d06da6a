"""The decoder of the OpenAI form as a whole: every stream at every cut; never raising, never growing.

Its parts: test_endings.py, _failures, _forms, _fields, _reasoning, _calls; fragments of calls: _tools.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Citation, Failure, Finish
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from providers.openai.presets import PRESETS
from tests.providers.openai.streams import FIXTURES, STOP, Answer, chunk, decode, delta, joined, sse, words

TAGGED = Form(think_tags="implicit")
A, B = json.dumps(words("a")), json.dumps(words("b", "stop"))


def form_of(name: str) -> Form:
    presets = {"zai": "zai", "k2think": "k2think", "openrouter": "openrouter", "moonshot": "moonshot"}
    return PRESETS[next((preset for part, preset in presets.items() if part in name), "openai")].form


# -- every stream, at every cut -------------------------------------------------------------------------------------
EXPECTED: dict[str, dict[str, Any]] = {
    "synthetic-openai.sse": {"text": {0: "Grüße 🌍!"}, "end": Finish("stop")},
    "synthetic-tools.sse": {
        "calls": [(0, 0, "call_a", "weather", '{"city": "Köln"}'), (0, 1, "call_b", "time", "{}")],
        "end": Finish("tool_calls"),
    },
    "synthetic-zai.sse": {
        "text": {0: "你好"},
        "reasoning": {0: "Let me see."},
        "citations": [Citation("https://a.example/x", "A")],
        "end": Finish("content_filter"),
    },
    "synthetic-openrouter.sse": {
        "text": {0: "Yes"},
        "reasoning": {0: "Hm"},
        "citations": [Citation("https://b.example", "B", None, 0, 3)],
        "end": Finish("stop"),
    },
    "synthetic-two-candidates.sse": {
        "text": {0: "aA", 1: "bB"},
        "end": Finish("stop", ((1, "length"),)),
    },
    "synthetic-moonshot-no-done.sse": {"text": {0: "Hi"}, "end": Finish("stop")},
    "synthetic-k2think.sse": {"text": {0: "4"}, "reasoning": {0: "Two and two."}, "end": Finish("stop")},
    "synthetic-whole.json": {
        "text": {0: "Grüße"},
        "reasoning": {0: "so"},
        "calls": [(0, 0, "t1", "f", '{"a": 1}'), (0, 1, "t2", "f", "{}")],
        "citations": [Citation("https://c.example", "C", None, 1, 2)],
        "end": Finish("tool_calls"),
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_stream_says_what_it_holds(name: str) -> None:
    answer = decode([(FIXTURES / name).read_bytes()], form_of(name))
    assert {field: getattr(answer, field) for field in EXPECTED[name]} == EXPECTED[name]


@pytest.mark.untraced
@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("stream", [True, False], ids=["for-a-stream", "for-a-whole-answer"])
def test_a_stream_says_the_same_at_every_cut(name: str, stream: bool) -> None:
    body, form = (FIXTURES / name).read_bytes(), form_of(name)
    whole = decode([body], form, stream=stream)
    assert decode([bytes([byte]) for byte in body], form, stream=stream) == whole
    for at in range(len(body)):
        assert decode([body[:at], body[at:]], form, stream=stream) == whole, at


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.endswith(".sse")])
def test_every_truncated_stream_ends_in_one_terminal(name: str) -> None:
    body, form = (FIXTURES / name).read_bytes(), form_of(name)
    for at in range(len(body)):
        answer = decode([body[:at]], form)
        if isinstance(answer.end, Finish):
            assert b'"finish_reason": "' in body[:at]
        else:
            assert answer.failure.kind in (ErrorKind.INCOMPLETE, ErrorKind.PROVIDER_DOWN)


def test_usage_and_the_fields_beside_it_are_passed_on() -> None:
    answer = decode([(FIXTURES / "synthetic-openai.sse").read_bytes()])
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.cached_tokens, answer.usage.reasoning_tokens) == (9, 3, 2)
    assert answer.usage.raw is not None
    assert answer.usage.raw["completion_tokens_details"] == {"reasoning_tokens": 2}
    assert answer.id == "chatcmpl-1"
    assert answer.extra == [
        ("chunk", 0, {"system_fingerprint": "fp_1", "service_tier": "default", "obfuscation": "xK"}),
        ("delta", 0, {"refusal": None}),
        ("chunk", 0, {"obfuscation": "a"}),
        ("chunk", 0, {"obfuscation": "bcd"}),
    ]


def test_the_fields_of_other_vendors_keep_their_names_and_places() -> None:
    answer = decode([(FIXTURES / "synthetic-openrouter.sse").read_bytes()], form_of("openrouter"))
    details = [{"type": "reasoning.text", "text": "Hm", "index": 0}]
    assert answer.extra == [
        ("chunk", 0, {"provider": "P"}),
        ("delta", 0, {"reasoning_details": details}),
        ("choice", 0, {"native_finish_reason": "end_turn"}),
    ]


def test_a_whole_answer_keeps_its_other_fields() -> None:
    answer = decode([(FIXTURES / "synthetic-whole.json").read_bytes()], stream=False)
    fields = {(scope, name): value for scope, _, found in answer.extra for name, value in found.items()}
    assert fields == {
        ("delta", "refusal"): None,
        ("delta", "audio"): {"id": "x"},
        ("choice", "logprobs"): {"content": []},
        ("chunk", "system_fingerprint"): "fp",
    }
    assert answer.usage is not None
    assert answer.usage.total_tokens == 13


# -- never raising, never growing -----------------------------------------------------------------------------------
def test_an_endless_event_is_a_failure_at_every_cut() -> None:
    body = sse(words("a"), done=False) + b"data: " + b"x" * 600 + b"\n\n"
    for at in range(0, len(body), 7):
        answer = decode([body[:at], body[at:]], limit_bytes=500)
        assert (answer.text, answer.failure.kind) == ({0: "a"}, ErrorKind.PROVIDER_DOWN)


@pytest.mark.parametrize("stream", [True, False])
def test_an_endless_body_is_a_failure(stream: bool) -> None:
    decoder = OpenAIDecoder(Form(), stream=stream, limit_bytes=500)
    events = [event for _ in range(200) for event in decoder.feed(b'{"a": "' if not decoder else b"xxxxx{")]
    assert isinstance((events + decoder.close())[-1], Failure)


def test_gathered_answers_are_bounded() -> None:
    decoder = OpenAIDecoder(TAGGED, limit_bytes=2000)
    events = [event for _ in range(100) for event in decoder.feed(sse(words("more "), done=False))]
    assert isinstance(events[-1], Failure)


def test_the_names_of_unknown_things_are_bounded() -> None:
    decoder = OpenAIDecoder(Form())
    for number in range(1000):
        decoder.feed(sse({"type": f"kind {number}"}, done=False))
    assert len(decoder.unknown) <= 65
    assert sum(decoder.unknown.values()) == 1000


def test_odd_shapes_are_counted_and_survived() -> None:
    odd: list[Any] = [3, "x", [], [1], {"choices": 5}, {"choices": ["x"]}, {"choices": [{"index": 10**9}]}]
    odd += [{"choices": [{"index": -1, "delta": {"content": "z"}}]}, {"choices": [{"index": "0", "delta": 7}]}]
    odd += [chunk(delta({"tool_calls": {"a": 1}})), chunk(delta({"tool_calls": [1, {"function": "f", "id": 3}]}))]
    odd += [
        chunk({"delta": {"content": 5}, "finish_reason": 7}),
        chunk(web_search=3),
        chunk(web_search=[1, {"link": 2}]),
    ]
    decoder = OpenAIDecoder(Form())
    events = [event for frame in odd for event in decoder.feed(sse(frame, done=False))]
    events += decoder.feed(sse(words("a"), STOP))
    assert joined(events).text == {0: "x5a"}
    assert decoder.unknown


def test_deep_nesting_is_survived() -> None:
    deep = b'{"choices":[{"index":0,"delta":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}}]}"
    less = (
        b'{"choices":[{"index":0,"delta":{"x":'
        + b'{"a":' * 300
        + b"1"
        + b"}" * 300
        + b'}}],"y":'
        + b"[" * 300
        + b"]" * 300
        + b"}"
    )
    for body in (deep, less):
        frame = b"data: " + body + b"\n\n"
        decode([frame, frame, sse(words("a"), STOP)])
        decode([frame, frame, sse(words("a"), STOP)], stream=False)
        decode([body], stream=False)


PIECES = st.sampled_from(
    [
        b"data: ",
        b"data:",
        b"\n\n",
        b"\n",
        b"\r\n\r\n",
        b": c\n\n",
        b"[DONE]",
        b"<html>",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        A.encode(),
        B.encode(),
        A[:70].encode(),
        B[40:].encode(),
        b'{"error": {"message": "no"}}',
        b'{"usage": {"prompt_tokens": 1}}',
        json.dumps(chunk(delta({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}))).encode(),
        b'{"choices": [{"message": {"content": "w"}}]}',
        "é🌍".encode(),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=6), max_size=14), st.data(), st.booleans(), st.booleans())
def test_any_bytes_end_in_one_terminal_and_the_same_at_every_cut(
    pieces: list[bytes], data: st.DataObject, stream: bool, tagged: bool
) -> None:
    body = b"".join(pieces)
    form = TAGGED if tagged else Form()
    whole: Answer = decode([body], form, stream=stream)
    assert decode([body[at : at + 1] for at in range(len(body))], form, stream=stream) == _same(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert decode(parts, form, stream=stream) == _same(whole)


NAMES = ["choices", "delta", "message", "index", "content", "role", "finish_reason", "usage", "error", "tool_calls"]
NAMES += ["function", "name", "arguments", "id", "type", "text", "reasoning", "reasoning_content", "reasoning_details"]
NAMES += ["function_call", "annotations", "url_citation", "url", "thinking", "web_search", "x_groq", "code", "refusal"]
JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats()
    | st.sampled_from(["", "a", "text", "thinking", "stop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSONS, max_size=5), max_size=4), JSONS, st.booleans())
def test_any_json_in_any_place_is_survived(deltas: list[Any], value: Any, stream: bool) -> None:
    frames = [chunk(delta(fields), chunk_field=value) for fields in deltas] + [{"choices": value}, value]
    decode([sse(*frames)], TAGGED, stream=stream)
    decode([json.dumps({"choices": [{"message": fields} for fields in deltas], "x": value}).encode()], stream=stream)


class _same:
    """Equal to an answer with the same content; failures are compared by what they say."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Answer)
        return bool(_plain(other) == _plain(self.answer))

    __hash__ = None  # type: ignore[assignment]


def _plain(answer: Answer) -> Any:
    end = repr(answer.end.error) if isinstance(answer.end, Failure) else answer.end
    return {**vars(answer), "end": end}


@pytest.mark.parametrize("nested", ['{"error":', '{"choices":[{"index":0,"finish_reason":', '{"data":', '{"detail":'])
def test_depth_is_no_bug(nested: str) -> None:
    closing = "".join({"{": "}", "[": "]"}[char] for char in reversed(nested) if char in "{[")
    for depth in (20, 3000):
        inner = "[" * depth + "1" + "]" * depth
        frames = [nested * depth + "1" + closing * depth, f"{nested}{inner}{closing}"]
        for frame in frames:
            decoder = OpenAIDecoder(Form())
            events = [*decoder.feed(f"data: {frame}\n\n".encode()), *decoder.close()]
            assert isinstance(events[-1], Failure | Finish)
