"""Content of a message in any shape: text, thinking, pictures, calls, others."""

import json
from typing import Any

import pytest

from providers.openai.content import ContentPiece, pieces, thoughts
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


CALL = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
FIGURE: dict[str, Any] = {"type": "chart", "data": [1]}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, []),
        ("", []),
        ([None], []),
        ([5], [ContentPiece(other=5)]),
        (FIGURE, [ContentPiece(other=FIGURE)]),
        (CALL, [ContentPiece(call=CALL)]),
        ([{**CALL, "type": "tool_call"}], [ContentPiece(call={**CALL, "type": "tool_call"})]),
        ([{**CALL, "type": "function_call"}], [ContentPiece(call={**CALL, "type": "function_call"})]),
        ([{"type": "tool_use"}], [ContentPiece(other={"type": "tool_use"})]),
        ([{"type": "refusal", "refusal": "No."}], [ContentPiece(refusal="No.")]),
        ([{"type": "text", "text": ""}], []),
        ([{"type": "image_url", "image_url": "u"}], [ContentPiece(picture="u")]),
        ([{"type": "thinking", "thinking": [{"text": "H"}, "m"]}], [ContentPiece(thought="Hm")]),
        ([{"type": "thinking", "thinking": ""}], []),
    ],
    ids=repr,
)
def test_each_part_is_one_piece_of_its_kind(content: Any, found: list[ContentPiece]) -> None:
    assert list(pieces(content)) == found


def test_thinking_that_is_encrypted_is_passed_on() -> None:
    sealed = {"type": "thinking", "thinking": "", "signature": "x"}
    assert list(pieces([sealed])) == [ContentPiece(other=sealed)]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Hm", "Hm"),
        (["H", "m"], "Hm"),
        ([{"type": "text", "text": "H"}, [{"text": "m"}]], "Hm"),
        ({"thinking": "Hm"}, "Hm"),
        ({"summary": "Hm", "content": ""}, "Hm"),
        (None, ""),
        (5, ""),
    ],
)
def test_thoughts_are_text_in_any_shape(value: Any, said: str) -> None:
    assert thoughts(value) == said


def test_what_is_nested_too_deep_is_not_looked_at() -> None:
    deep: Any = "x"
    for _ in range(1000):
        deep = [deep]
    assert thoughts(deep) == ""
    assert not any(piece.text for piece in pieces(deep))
