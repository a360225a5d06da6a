"""Token counts of the OpenAI form, under all names, wherever they stand."""

from typing import Any

import pytest

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
