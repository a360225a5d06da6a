"""What stands beside the words of an answer of the OpenAI form: usage, parts, annotations, unknown fields."""

from typing import Any

import pytest

from providers.contract.events import Citation
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.providers.openai.streams import STOP, USAGE, chunk, decode, delta, sse, words


def test_unknown_fields_travel_on_and_empty_ones_do_so_once() -> None:
    fields = {"content": "a", "images": [{"type": "image_url"}], "audio": None, "refusal": "", "tool_calls": []}
    again = chunk(delta({"content": "a", "audio": None, "refusal": ""}))
    answer = decode([sse(chunk(delta(fields, stop_reason=None, matched_stop=7), timings={"n": 1}), again, STOP)])
    assert answer.extra == [
        ("chunk", 0, {"timings": {"n": 1}}),
        ("delta", 0, {"images": [{"type": "image_url"}], "audio": None, "refusal": ""}),
        ("choice", 0, {"matched_stop": 7}),
    ]


@pytest.mark.parametrize(
    ("value", "times"),
    [
        pytest.param({"n": [1, "x"]}, 1, id="small"),
        pytest.param("x" * 5000, 2, id="long text"),
        pytest.param([0] * 300, 2, id="many entries"),
        pytest.param({"x" * 5000: 1}, 2, id="long name"),
        pytest.param([[[[["x" * 5000]]]]], 2, id="deep"),
    ],
)
def test_a_field_that_is_too_large_to_be_remembered_is_told_again(value: Any, times: int) -> None:
    answer = decode([sse(chunk(delta({"content": "a"}), timings=value), chunk(delta({}), timings=value), STOP)])
    assert answer.extra == [("chunk", 0, {"timings": value})] * times


def test_annotations_that_are_no_links_keep_their_form() -> None:
    odd = {"type": "file_citation", "file_id": "f"}
    link = {"type": "url_citation", "url": "https://a.example", "title": "A"}
    answer = decode([sse(chunk(delta({"annotations": [odd, link]})), words("a"), STOP)])
    assert answer.citations == [Citation("https://a.example", "A")]
    assert answer.extra == [("delta", 0, {"annotations": [odd]})]


@pytest.mark.parametrize(
    ("frame", "unknown"),
    [
        ({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": USAGE}, {}),
        ({"usage": USAGE}, {}),
        ({"usage": USAGE, "mood": 1}, {"frame without choices: fields usage, mood": 1}),
        ({"type": "ping"}, {"frame without choices: ping": 1}),
        ({"object": "odd"}, {"frame without choices: odd": 1}),
        ({"a": 1, "b": 2}, {"frame without choices: fields a, b": 1}),
        (dict.fromkeys("abcdefgh", 1), {"frame without choices: fields a, b, c, d, e": 1}),
        ({}, {"frame without choices: an empty object": 1}),
    ],
    ids=["usage", "bare-usage", "usage-and-more", "type", "object", "fields", "many-fields", "empty"],
)
def test_a_frame_without_choices_is_named_and_usage_alone_is_none(frame: Any, unknown: dict[str, int]) -> None:
    decoder = OpenAIDecoder(Form())
    decoder.feed(sse(words("a"), STOP, frame))
    assert dict(decoder.unknown) == unknown
