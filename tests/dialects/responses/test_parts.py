"""Parts of content: texts, pictures, files, and what a tool gave."""

from typing import Any

import pytest

from addons.dialects.responses.parts import as_content, output_of, parts_of, words_of
from providers.contract.chat import ImagePart, OtherPart, TextPart


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "input_text", "text": "a"}, TextPart("a")),
        ({"type": "output_text", "text": "a", "annotations": []}, TextPart("a")),
        ({"type": "refusal", "refusal": "no"}, TextPart("no")),
        ("bare", TextPart("bare")),
        (
            {"type": "input_image", "image_url": "https://a/b.png", "detail": "high"},
            ImagePart("https://a/b.png", "high"),
        ),
        ({"type": "input_image", "image_url": "https://a/b.png", "detail": "original"}, ImagePart("https://a/b.png")),
        ({"type": "input_image", "image_url": {"url": "https://a/b.png"}}, ImagePart("https://a/b.png")),
        ({"type": "input_image", "file_id": "f1"}, OtherPart("file", {"type": "file", "file": {"file_id": "f1"}})),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:…"},
            OtherPart("file", {"type": "file", "file": {"file_data": "data:…", "filename": "a.pdf"}}),
        ),
        ({"type": "input_file"}, None),
        ({"type": "input_image"}, None),
        ({"type": "tomorrow", "x": 1}, None),
        (7, None),
    ],
)
def test_a_part(part: Any, expected: Any) -> None:
    assert parts_of([part]) == (() if expected is None else (expected,))


def test_audio_is_handed_on() -> None:
    (found,) = parts_of([{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}])
    assert found == OtherPart("input_audio", {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}})


def test_content() -> None:
    assert as_content(parts_of("a")) == "a"
    assert as_content(parts_of([{"text": "a"}, {"text": "b"}])) == (TextPart("a"), TextPart("b"))
    assert as_content(()) == ""
    assert words_of([{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]) == "ab"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("text", "text"),
        (None, ""),
        ("", ""),
        ([{"type": "input_text", "text": "a"}], "a"),
        ({"type": "computer_screenshot", "image_url": "data:x"}, (ImagePart("data:x"),)),
        ({"exit": 0}, '{"exit":0}'),
        ([{"type": "logs", "logs": "x"}], '[{"type":"logs","logs":"x"}]'),
    ],
)
def test_what_a_tool_gave(output: Any, expected: Any) -> None:
    assert output_of(output) == expected
