"""Content of a message in any shape: text, thinking, pictures, calls, others."""

import json
from typing import Any

import pytest

from tests.providers.openai.streams import STOP, chunk, decode, delta, sse


def test_parts_of_content_are_read() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        {"type": "reference", "reference_ids": [1]},
        "b",
    ]
    answer = decode([sse(chunk(delta({"content": parts})), STOP)])
    assert answer.text == {0: "ab"}
    assert [image.url for image in answer.images] == ["data:image/png;base64,AA"]
    assert answer.extra == [
        ("delta", 0, {"content_parts": [parts[2]]}),
    ]


SHAPES: dict[str, Any] = {
    "list of texts": ["a", "b"],
    "output_text": [{"type": "output_text", "text": "ab"}],
    "object": {"type": "text", "text": "ab"},
    "object without a type": {"text": "ab"},
    "text in an object": [{"type": "text", "text": {"value": "ab", "annotations": []}}],
    "parts": {"parts": [{"text": "a"}, {"text": "b"}]},
    "mixed": ["a", {"type": "text", "text": "b"}],
    "list inside of a text": [{"type": "text", "text": ["a", "b"]}],
    "another name": [{"type": "text", "value": "ab"}],
    "markdown": [{"type": "markdown", "markdown": "ab"}],
    "lists in lists": [[[[["a"]]]], [["b"]]],
    "nulls between": [None, "a", None, "b"],
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("place", ["delta", "message"])
def test_content_of_any_shape_is_read(content: Any, place: str) -> None:
    choice = {"index": 0, place: {"role": "assistant", "content": content}, "finish_reason": "stop"}
    assert decode([sse(chunk(choice))]).text == {0: "ab"}
    assert decode([json.dumps(chunk(choice)).encode()], stream=False).text == {0: "ab"}


@pytest.mark.parametrize(
    ("content", "text"),
    [({"answer": 5, "text": "x"}, '{"answer": 5, "text": "x"}'), ({"a": [1]}, '{"a": [1]}'), (5, "5"), (True, "true")],
)
def test_content_that_is_json_itself_becomes_its_text(content: Any, text: str) -> None:
    choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
    assert decode([json.dumps(chunk(choice)).encode()], stream=False).text == {0: text}
