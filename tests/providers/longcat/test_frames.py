"""Parts of LongCat's frames: search results, token counts, and the choices frames of 2025."""

import json
from typing import Any

import pytest

from providers.contract.events import Usage
from providers.longcat.frames import OldFrames, read_results, read_usage


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"inputTokens": 1, "outputTokens": 2, "totalTokens": 9}, Usage(1, 2, 9)),
        ({"promptTokens": 1, "completionTokens": 2}, Usage(1, 2, 3)),
        ({"inputTokens": 1, "promptTokens": 7, "outputTokens": 2}, Usage(1, 2, 3)),
        ({"inputTokens": "1", "promptTokens": 7, "outputTokens": 2}, Usage(7, 2, 9)),
        ({"inputTokens": 0, "outputTokens": 2, "hasTokens": True}, Usage(0, 2, 2)),
        ({"inputTokens": 1, "outputTokens": 2, "hasTokens": False}, None),
        ({"inputTokens": 0, "outputTokens": 0}, None),
        ({"inputTokens": 1}, None),
        ({"inputTokens": -1, "outputTokens": 2}, None),
        ({"inputTokens": 2**53 + 1, "outputTokens": 2}, None),
        ({"inputTokens": True, "outputTokens": 2}, None),
        ({}, None),
    ],
)
def test_token_counts(counts: dict[str, Any], usage: Usage | None) -> None:
    assert read_usage(counts) == usage


RESULTS = [{"url": "https://a", "title": "A"}, {"url": "https://b"}, {"title": "none"}, 5, {"url": 5}]
FOUND = [("https://a", "A"), ("https://b", "")]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (RESULTS, FOUND),
        ({"resultList": RESULTS, "query": "q"}, FOUND),
        (json.dumps(RESULTS), FOUND),
        (json.dumps({"resultList": RESULTS}), FOUND),
        ("no JSON", []),
        ("half \ud800", []),
        ({"resultList": 5}, []),
        ({"query": "q"}, []),
        (None, []),
        (5, []),
    ],
)
def test_sources_of_a_search(content: Any, found: list[tuple[str, str]]) -> None:
    assert list(read_results(content)) == found


def frame(delta: dict[str, Any] | None = None, **beside: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta or {}}], **beside}


def told(*frames: dict[str, Any]) -> list[tuple[str, str]]:
    reader = OldFrames()
    return [reader.read(one) for one in frames]


def test_pieces_count_where_there_are_any() -> None:
    assert told(
        frame({"reasoningContent": "h"}, reasonContent="h"),
        frame({"content": "a"}, content="a"),
        frame({"content": "b"}, content="ab"),
        frame({}, content="ab and more"),
    ) == [("h", ""), ("", "a"), ("", "b"), ("", "")]


def test_without_pieces_the_whole_text_so_far_is_told_as_it_grows() -> None:
    found = told(
        frame(content="He", reasonContent="h"),
        frame(content="Hello", reasonContent="hm"),
        frame(content="Hello"),
        frame(content="Hello you"),
    )
    assert "".join(thought for thought, _ in found) == "hm"
    assert "".join(answer for _, answer in found) == "Hello you"


@pytest.mark.parametrize(
    "odd", [{}, {"choices": []}, {"choices": 5}, {"choices": [5]}, {"choices": [{"delta": []}], "content": 5}]
)
def test_odd_frames_say_nothing(odd: dict[str, Any]) -> None:
    assert told(odd) == [("", "")]


def test_results_are_told_when_they_are_others() -> None:
    reader = OldFrames()
    said = [reader.results({"searchResults": text}) for text in ("", "a", "a", "b", None, "b", "a")]
    assert said == [None, "a", None, "b", None, None, "a"]
