"""Events: alike where they say the same, and small; the sum of two counts of tokens."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Withdrawn,
)

ALL: list[Event] = [
    Text("a"),
    Reasoning("a"),
    Withdrawn(),
    ToolCallDelta(0, "c", "f", "{}"),
    Citation("https://x", "X"),
    Image("https://x/y.png"),
    Usage(1, 2, 3),
    Passthrough("chunk", {"system_fingerprint": "fp"}),
    Finish("stop"),
    Failure(ProviderError(ErrorKind.QUOTA, "no more")),
]
COUNT = st.none() | st.integers(0, 1000)
USAGES = st.builds(Usage, st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 2000), COUNT, COUNT)


@pytest.mark.parametrize("event", ALL, ids=lambda event: type(event).__name__)
def test_an_event_is_frozen_and_holds_no_more_than_its_fields(event: Event) -> None:
    assert not hasattr(event, "__dict__"), "one is made for every word"
    assert dataclasses.replace(event) == event  # type: ignore[type-var]
    assert getattr(event, "choice", 0) == 0, "the only candidate, where none is named"
    with pytest.raises((AttributeError, TypeError)):
        event.more = 1  # type: ignore[attr-defined]


def test_text_and_thinking_of_the_same_words_are_two_things() -> None:
    assert Text("a") != Text("a", 1)
    assert len(set(ALL[:3])) == 3


@given(USAGES, USAGES)
def test_what_two_calls_spent_is_their_sum(one: Usage, other: Usage) -> None:
    both = one.with_spent(other)
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert getattr(both, name) == getattr(one, name) + getattr(other, name)
    for name in ("reasoning_tokens", "cached_tokens"):
        known = [count for count in (getattr(one, name), getattr(other, name)) if count is not None]
        assert getattr(both, name) == (sum(known) if known else None), "what nobody counted is not nothing"
    assert both == other.with_spent(one)


def test_the_sum_is_nobodys_own_words() -> None:
    assert Usage(1, 1, 2, raw={"total_tokens": 2}).with_spent(Usage(1, 1, 2, raw={"total_tokens": 2})).raw is None
