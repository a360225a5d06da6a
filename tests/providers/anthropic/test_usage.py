"""Token counts: the whole prompt, whatever the cache had of it."""

import pytest

from providers.anthropic.usage import UsageReader
from providers.contract.events import Usage


def test_the_prompt_is_all_of_it() -> None:
    usage = UsageReader().read({"input_tokens": 3, "cache_read_input_tokens": 40, "output_tokens": 2})
    assert usage == Usage(43, 2, 45, None, 40)


def test_what_went_into_the_cache_is_told_apart_where_there_is_any() -> None:
    usage = UsageReader().read({"input_tokens": 3, "cache_creation_input_tokens": 50, "output_tokens": 2})
    assert usage is not None
    assert (usage.prompt_tokens, usage.cached_tokens) == (53, None)
    assert usage.raw is not None
    assert usage.raw["prompt_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 50}


def test_later_counts_take_the_place_of_earlier_ones() -> None:
    reader = UsageReader()
    reader.read({"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 1})
    assert reader.read({"output_tokens": 9}) == Usage(14, 9, 23, None, 4)
    assert reader.read({"input_tokens": 0, "output_tokens": 12}) == Usage(14, 12, 26, None, 4)
    assert reader.read({"input_tokens": 11, "output_tokens": 12}) == Usage(15, 12, 27, None, 4)


def test_tokens_of_thinking_are_told() -> None:
    usage = UsageReader().read({"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 5}})
    assert usage == Usage(0, 9, 9, 5)


@pytest.mark.parametrize(
    "usage",
    [None, [], {}, "x", *({"input_tokens": count} for count in (None, -1, True, 1e300, "7"))],
    ids=str,
)
def test_what_is_no_count_says_nothing(usage: object) -> None:
    assert UsageReader().read(usage) is None
