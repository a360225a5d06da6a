"""K2Think's whole answer: one completion object, given out in pieces."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish, Reasoning, Text, Usage
from providers.k2think.whole import (
    PIECE_CHARS,
    PIECES_LIMIT,
    finish_reason,
    read_body,
    read_completion,
    read_usage,
    split,
)


@pytest.mark.parametrize(
    ("content", "complete", "parts"),
    [
        ("<think>R</think>A", True, ("R", "A")),
        ("R</think>A", True, ("R", "A")),
        ("A", True, ("", "A")),
        ("R", False, ("R", "")),
        ("<think>all", True, ("", "all")),
        ("<think>all", False, ("all", "")),
        ("<think>R<answer>A</answer>", True, ("R", "A")),
        ("a <think> in words", True, ("", "a <think> in words")),
        ("", True, ("", "")),
    ],
)
def test_a_whole_text_is_split(content: str, complete: bool, parts: tuple[str, str]) -> None:
    assert split(content, complete=complete) == parts


def completion(content: Any = "A", reason: Any = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content, **message}, "finish_reason": reason}]}


@pytest.mark.parametrize(
    ("found", "events"),
    [
        (completion("<think>R</think>A"), [Reasoning("R"), Text("A"), Finish("stop")]),
        (completion("A"), [Text("A"), Finish("stop")]),
        (completion("A", reasoning_content=" R "), [Reasoning("R"), Text("A"), Finish("stop")]),
        (completion("R", "length"), [Reasoning("R"), Finish("length")]),
        (completion("A", "length", reasoning_content="R"), [Reasoning("R"), Text("A"), Finish("length")]),
        (completion("A", "content_filter"), [Text("A"), Finish("content_filter")]),
        (completion("A", "of tomorrow"), [Text("A"), Finish("stop")]),
        (completion("A", None), [Text("A"), Finish("stop")]),
        (completion([{"text": "A"}, {"text": "B"}, 5, {"odd": 1}]), [Text("AB"), Finish("stop")]),
    ],
)
def test_a_completion_is_read(found: dict[str, Any], events: list[Event]) -> None:
    assert read_completion(found) == events
    assert read_body(json.dumps(found).encode()) == events


def failure(events: list[Event]) -> tuple[ErrorKind, str]:
    *thinking, one = events
    assert isinstance(one, Failure)
    assert one.thought_alone == bool(thinking)
    return one.error.kind, one.error.message


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", ErrorKind.INCOMPLETE, "it was cut off"),
        (b"{", ErrorKind.INCOMPLETE, "it was cut off"),
        (json.dumps(completion("A")).encode()[:-5], ErrorKind.INCOMPLETE, "it was cut off"),
        (json.dumps(completion("  ")).encode(), ErrorKind.PROVIDER_DOWN, "answered with nothing at all"),
        (
            json.dumps(completion("<think>R</think>")).encode(),
            ErrorKind.PROVIDER_DOWN,
            "thought, then answered nothing",
        ),
        (b"[" + b"0," * 20_000 + b"0]", ErrorKind.PROVIDER_DOWN, "holds more than 20000 values"),
    ],
)
def test_what_is_no_answer(body: bytes, kind: ErrorKind, words: str) -> None:
    found, said = failure(read_body(body))
    assert (found, words in said) == (kind, True), said


@pytest.mark.parametrize(
    "body", [b"{}", b'{"choices": []}', b'{"choices": [{"message": 5}]}', b'{"detail": "no"}', b"<html>"]
)
def test_a_refusal_in_the_place_of_an_answer(body: bytes) -> None:
    failure(read_body(body))


def test_what_follows_the_answer_is_none_of_it() -> None:
    body = json.dumps(completion("A")).encode()
    assert read_body(body + b'{"choices": 5}') == [Text("A"), Finish("stop")]
    assert read_body(body + b" and words") == [Text("A"), Finish("stop")]


@pytest.mark.parametrize("length", [1, PIECE_CHARS, PIECE_CHARS + 1, PIECE_CHARS * PIECES_LIMIT + 1])
def test_a_long_answer_comes_in_bounded_pieces(length: int) -> None:
    words = "x" * length
    pieces = [event.text for event in read_completion(completion(words)) if isinstance(event, Text)]
    assert "".join(pieces) == words
    assert len(pieces) <= PIECES_LIMIT
    assert max(map(len, pieces)) <= max(PIECE_CHARS, length // PIECES_LIMIT + 1)


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2}, Usage(1, 2, 3)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 9}, Usage(1, 2, 9)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": "9"}, Usage(1, 2, 3)),
        (
            {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "completion_tokens_details": {"reasoning_tokens": 3},
                "prompt_tokens_details": {"cached_tokens": 4},
            },
            Usage(1, 2, 3, reasoning_tokens=3, cached_tokens=4),
        ),
        ({"prompt_tokens": -1, "completion_tokens": 2}, None),
        ({"prompt_tokens": 2**53 + 1, "completion_tokens": 2}, None),
        ({"prompt_tokens": True, "completion_tokens": 2}, None),
        ({"prompt_tokens": 1}, None),
        ([], None),
        (None, None),
    ],
)
def test_token_counts(usage: Any, found: Usage | None) -> None:
    assert read_usage(usage) == found
    assert [event for event in read_completion(completion("A") | {"usage": usage}) if isinstance(event, Usage)] == (
        [found] if found else []
    )


@pytest.mark.parametrize(
    ("choice", "reason"), [({}, None), ({"finish_reason": ""}, None), ({"finish_reason": 5}, None)]
)
def test_a_choice_that_goes_on_has_no_reason(choice: dict[str, Any], reason: None) -> None:
    assert finish_reason(choice) is reason
