"""Frames that are as the one before but for their words are read the short way, and mean the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.events import Event, Reasoning, Text, ToolCallDelta
from providers.formats.word_frames import WordFrames
from providers.openai.choice import ReadingOptions
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from providers.openai.frames import Frames
from tests.providers.openai.streams import STOP, chunk, delta, sse


def told(body: bytes, decoder: OpenAIDecoder) -> list[Event]:
    return [*decoder.feed(body), *decoder.close()]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The frames that are read the long way from now on."""
    long: list[bytes] = []
    read = Frames.read

    def reads(frames: Frames, payload: bytes) -> list[Any]:
        long.append(payload)
        return read(frames, payload)

    monkeypatch.setattr(Frames, "read", reads)
    return long


@pytest.mark.parametrize("field", ["content", "reasoning_content", "reasoning"])
def test_after_two_frames_words_are_read_the_short_way(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    long = counted(monkeypatch)
    kind, said = Text if field == "content" else Reasoning, [f"w{at}" for at in range(100)]
    events = told(sse(*(chunk(delta({field: word})) for word in said), STOP), OpenAIDecoder(Form()))
    assert [event.text for event in events if isinstance(event, kind)] == said
    assert len(long) < 10


def test_pieces_of_arguments_are_read_the_short_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    long = counted(monkeypatch)
    said = ['{"a": "', *(f'w{at} \\"' for at in range(100)), '"}']
    parts = [delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in said]
    events = told(sse(chunk(BEGUN), *map(chunk, parts), STOP), OpenAIDecoder(Form()))
    assert "".join(event.arguments for event in events if isinstance(event, ToolCallDelta)) == "".join(said)
    assert len(long) < 10


EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"usage": None},
    {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    {"system_fingerprint": "fp"},
    {"created": 2},
    {"x": {"content": "a"}},
    {"error": {"message": "no"}},
    {"base_resp": {"status_code": 0}},
)
CHOICES: tuple[dict[str, Any], ...] = (
    {},
    {"logprobs": None},
    {"logprobs": {"content": [1]}},
    {"index": 1},
    {"index": "0"},
    {"finish_reason": "stop"},
    {"usage": {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}},
    {"message": {"role": "assistant", "content": "abc"}},
    {"error": {"message": "no"}},
)
DELTAS: tuple[dict[str, Any], ...] = (
    {},
    {"role": "assistant"},
    {"refusal": None},
    {"refusal": "no"},
    {"tool_calls": None},
    {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]},
    {"reasoning_content": ""},
    {"reasoning_content": "a"},
    {"reasoning": "a"},
    {"function_call": None},
    {"annotations": []},
)
CALLS: tuple[dict[str, Any], ...] = ({"index": 0}, {"index": 0, "id": "c"}, {"index": 1, "type": "function"}, {})
BEGUN = delta({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]})
PIECES = ("{", "}", '{"a": 1}', "a", "b", "", " ", '"', "\\", "é", "<think>", "</think>", "<th", "ink>", "content")


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Some are alike for a while; what changes, changes anywhere in them."""
    extra, choice, more = (draw(st.sampled_from(these)) for these in (EXTRAS, CHOICES, DELTAS))
    field = draw(st.sampled_from(["content", "content", "reasoning_content", "reasoning", "text", "arguments"]))
    call = draw(st.sampled_from(CALLS))
    out = b""
    for piece in draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5)):
        held = {"tool_calls": [{**call, "function": {"arguments": piece}}]} if field == "arguments" else {field: piece}
        said: dict[str, Any] = {"index": 0, "finish_reason": None, **choice, "delta": {**held, **more}}
        text = json.dumps({**chunk(), **extra, "choices": [said]}, ensure_ascii=draw(st.booleans()))
        out += b"data: " + text.encode() + b"\n\n"
    return out


@given(
    st.lists(frames(), max_size=6),
    st.sampled_from(["none", "explicit", "implicit"]),
    st.integers(1, 2),
    st.booleans(),
    st.data(),
)
def test_the_short_way_means_the_same(
    parts: list[bytes], tags: Any, candidates: int, stream: bool, data: st.DataObject
) -> None:
    begun = sse(chunk(BEGUN), done=False) if data.draw(st.booleans()) else b""
    body = begun + b"".join(parts) + data.draw(st.sampled_from([b"", b"data: [DONE]\n\n", sse(STOP)]))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.binary(max_size=3)) + body[at:]

    def read() -> tuple[str, dict[str, int], list[str]]:
        learnt: list[str] = []
        reading = ReadingOptions(learn_reasoning_name=learnt.append)
        decoder = OpenAIDecoder(Form(think_tags=tags), stream=stream, candidates=candidates, reading=reading)
        return repr(told(body, decoder)), decoder.unknown, learnt  # (a failure is equal to itself alone)

    short = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WordFrames, "words", lambda *_: None)
        assert read() == short
