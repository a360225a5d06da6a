"""Chunks of a stream of OpenAI's form in words: what each adds to those before it."""

from typing import Any

import pytest

from addons.dialects.openai.frames import ChunkReader

HEAD = {"id": "chatcmpl-1", "model": "m", "object": "chat.completion.chunk", "created": 1}


def chunk(delta: object, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


def test_what_all_chunks_repeat_stands_above_them() -> None:
    reader = ChunkReader()
    assert reader.words(chunk({"role": "assistant", "content": ""}, system_fingerprint="fp")) == [
        "role assistant",
        "system_fingerprint fp",
    ]
    assert reader.head == ["model m", "id chatcmpl-1"]
    assert reader.words(chunk({"content": "a"}, system_fingerprint="fp")) == ["content 'a'"]
    assert reader.words(chunk({"content": "a"}, model="n")) == ["content 'a'", "model n"]


def test_an_error_is_no_first_chunk() -> None:
    reader = ChunkReader()
    assert reader.words({"error": {"code": "upstream_eof", "message": "Broke."}}) == ["ERROR upstream_eof: Broke."]
    assert reader.head == []


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"choices": 5}, []),
        ({"choices": [5]}, ["choice 5"]),
        ({"choices": [{"index": 2, "delta": "a"}]}, ["choice 2:", "delta a"]),
        ({"choices": [{"delta": {"tool_calls": [5]}}]}, ["tool call 5"]),
        ({"choices": [{"delta": {"content": {"a": [1]}}}]}, ['content {"a": [1]}']),
        ({"usage": {"prompt_tokens": 1}}, ["usage 1+?"]),
        ({"error": 5}, ["ERROR 5"]),
        ({}, []),
    ],
)
def test_odd_frames_are_words_too(frame: dict[str, Any], words: list[str]) -> None:
    assert ChunkReader().words(frame) == words


def test_what_is_long_is_cut() -> None:
    (words,) = ChunkReader().words(chunk({"content": "a" * 1000}))
    assert words.endswith("(1000 characters)")
    assert len(words) < 500
