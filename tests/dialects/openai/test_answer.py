"""Pieces of answers of OpenAI's form: usage, sources, pictures, fields of the API's own, logprobs put together."""

from typing import Any

import pytest

from addons.dialects.openai.answer import (
    annotations,
    extension_fields,
    image_markdown,
    is_empty,
    merged_logprobs,
    usage_object,
)
from providers.contract.events import Citation, Image, Usage


def test_usage_has_its_details_where_they_are_known() -> None:
    assert usage_object(Usage(1, 2, 3)) == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    found = usage_object(Usage(1, 2, 3, cached_tokens=1, reasoning_tokens=0))
    assert found["prompt_tokens_details"] == {"cached_tokens": 1}
    assert found["completion_tokens_details"] == {"reasoning_tokens": 0}


def test_the_apis_own_usage_is_kept_but_for_the_counts() -> None:
    found = usage_object(Usage(1, 2, 3, raw={"prompt_tokens": None, "cost": 0.1}))
    assert found == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1}


def test_a_source_without_a_place_spans_nothing() -> None:
    (one, two) = annotations([Citation("https://x", "X", start=3, end=7), Citation("https://y", "Y")])
    assert (one["url_citation"]["start_index"], one["url_citation"]["end_index"]) == (3, 7)
    assert (two["url_citation"]["start_index"], two["url_citation"]["end_index"]) == (0, 0)


@pytest.mark.parametrize(
    ("alt", "told"), [("", "![image](u)"), ("a]b[c", "![a)b(c](u)"), ("a\nb", "![a b](u)"), ("\n", "![ ](u)")]
)
def test_a_picture_is_markdown(alt: str, told: str) -> None:
    assert image_markdown(Image("u", alt)) == told


@pytest.mark.parametrize(
    ("scope", "fields", "kept"),
    [
        ("chunk", {"id": "x", "provider": "p", "service_tier": 5}, {"provider": "p"}),
        ("choice", {"index": 3, "logprobs": None, "score": 1}, {"logprobs": None, "score": 1}),
        ("delta", {"content": "x", "refusal": ["odd"], "mood": "good"}, {"mood": "good"}),
    ],
)
def test_fields_of_the_apis_own_pass_and_ours_do_not(scope: str, fields: dict[str, Any], kept: dict[str, Any]) -> None:
    assert extension_fields(scope, fields) == kept


@pytest.mark.parametrize(
    ("known", "more", "both"),
    [
        (None, {"content": [1]}, {"content": [1]}),
        ({"content": [1]}, None, {"content": [1]}),
        ({"content": [1], "a": 1}, {"content": [2], "a": 2}, {"content": [1, 2], "a": 2}),
        ({"content": [1]}, "odd", "odd"),
    ],
)
def test_logprobs_of_pieces_follow_each_other(known: Any, more: Any, both: Any) -> None:
    assert merged_logprobs(known, more) == both


def test_what_is_empty() -> None:
    assert all(map(is_empty, (None, "", [], {})))
    assert not any(map(is_empty, (0, False, "a", [None])))
