"""What stands beside the words of an answer of the OpenAI form: usage, parts, annotations, unknown fields."""

from typing import Any

import pytest

from providers.contract.events import Citation
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.providers.openai.streams import STOP, USAGE, chunk, decode, delta, sse, words


@pytest.mark.parametrize(
    ("frames", "total"),
    [
        ([chunk(delta({"content": "a"}), usage={"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10})], 10),
        ([chunk(usage={"prompt_tokens": 1, "total_tokens": 1}), chunk(usage=USAGE), chunk(usage=None)], 13),
        ([chunk(usage=USAGE), chunk(usage={})], 13),
        ([chunk(delta({}, usage=USAGE))], 13),
        ([{"object": "x", "choices": None, "usage": USAGE}], 13),
        ([{"usage": USAGE}], 13),
        ([chunk(x_groq={"id": "r", "usage": USAGE})], 13),
        ([chunk(usage={"input_tokens": 9, "output_tokens": 4})], 13),
    ],
    ids=["with-words", "last-wins", "empty-is-none", "in-choice", "choices-null", "alone", "groq", "other-names"],
)
def test_usage_is_found_wherever_it_stands(frames: list[Any], total: int) -> None:
    usage = decode([sse(words("a"), *frames, STOP)]).usage
    assert usage is not None
    assert usage.total_tokens == total


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ([USAGE, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}], (9, 4, 13)),
        ([{"prompt_tokens": 9.0, "completion_tokens": 4.0, "total_tokens": 13.0}], (9, 4, 13)),
        ([{"prompt_tokens": 9}, {"completion_tokens": 4}], (9, 4, 13)),
        ([{"prompt_tokens": "9", "completion_tokens": "4"}], (9, 4, 13)),
        ([USAGE, {"prompt_tokens": -1, "completion_tokens": None}], (9, 4, 13)),
        ([{"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}, USAGE], (9, 4, 13)),
        ([{"prompt_tokens": "9.0", "completion_tokens": " 4 "}], (9, 4, 13)),
        ([{"prompt_tokens": 9, "total_tokens": 13}], (9, 4, 13)),
        ([{"completion_tokens": 4, "total_tokens": 13}], (9, 4, 13)),
        ([{"prompt_tokens": 10**40, "completion_tokens": 4}], (0, 4, 4)),
        ([{"prompt_tokens": 1e300, "completion_tokens": 4}], (0, 4, 4)),
        ([{"prompt_tokens": "9" * 400, "completion_tokens": True}, USAGE], (9, 4, 13)),
    ],
    ids=lambda value: None,
)
def test_the_best_figures_win(told: list[Any], counts: tuple[int, int, int]) -> None:
    usage = decode([sse(words("a"), STOP, *(chunk(usage=one) for one in told))]).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == counts
    assert all(type(value) is not float for value in (usage.raw or {}).values())


def test_the_best_details_win() -> None:
    told = [{**USAGE, "completion_tokens_details": {"reasoning_tokens": count, "x": 1}} for count in ("2", 0)]
    usage = decode([sse(words("a"), STOP, *(chunk(usage=one) for one in told))]).usage
    assert usage is not None
    assert usage.raw is not None
    assert (usage.reasoning_tokens, usage.raw["completion_tokens_details"]) == (2, {"reasoning_tokens": 2, "x": 1})


def test_usage_in_a_delta_counts() -> None:
    usage = decode([sse(words("a"), chunk(delta({"usage": USAGE}, reason="stop")))]).usage
    assert usage is not None
    assert usage.total_tokens == 13


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
