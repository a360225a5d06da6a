import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.core.limits import OutputLimits
from addons.core.tokens import TokenCounter, count
from providers.errors import ErrorKind, ProviderError
from providers.events import Event, Failure, Finish, Reasoning, Text, Usage


def run(limits: OutputLimits, pieces: Sequence[str]) -> tuple[str, list[Event]]:
    """The text that came through, and the last events of other kinds."""
    events: list[Event] = []
    for piece in pieces:
        events += limits.filter([Text(piece)])
    events += limits.filter([Usage(1, 2, 3), Finish("stop")])
    text = "".join(event.text for event in events if isinstance(event, Text))
    return text, [event for event in events if not isinstance(event, Text)]


def cuts(text: str) -> list[list[str]]:
    return [[text[:at], text[at:]] for at in range(len(text) + 1)]


@pytest.mark.parametrize(
    ("stop", "text", "expected"),
    [
        pytest.param(("END",), "hello END more", "hello ", id="in the middle"),
        pytest.param(("END",), "hello EN", "hello EN", id="only begun"),
        pytest.param(("\n\n",), "a\nb\n\nc", "a\nb", id="line ends"),
        pytest.param(("bc", "abcd"), "xabcd", "xa", id="the first to be complete counts"),
        pytest.param(("aab",), "aaab", "a", id="overlapping begin"),
        pytest.param(("x",), "x", "", id="nothing before it"),
    ],
)
def test_stop_is_the_same_at_every_cut(stop: tuple[str, ...], text: str, expected: str) -> None:
    for pieces in [*cuts(text), list(text), [text]]:
        limits = OutputLimits(stop, None)
        said, rest = run(limits, pieces)
        assert said == expected
        assert rest[-1] == Finish("stop")
        assert limits.done == (expected != text)


def test_text_held_back_for_a_stop_comes_before_the_end() -> None:
    limits = OutputLimits(("STOP",), None)
    assert limits.filter([Text("a ST")]) == [Text("a ")]
    assert limits.filter([Finish("length")]) == [Text("ST"), Finish("length")]


def test_text_held_back_is_not_lost_when_the_answer_fails() -> None:
    failure = Failure(ProviderError(ErrorKind.INCOMPLETE, "broke off"))
    limits = OutputLimits(("STOP",), None)
    limits.filter([Text("a ST")])
    assert limits.filter([failure]) == [Text("ST"), failure]


def test_stop_strings_do_not_apply_to_reasoning() -> None:
    assert OutputLimits(("END",), None).filter([Reasoning("the END")]) == [Reasoning("the END")]


def test_nothing_follows_a_limit() -> None:
    limits = OutputLimits(("x",), None)
    assert limits.filter([Text("axb"), Finish("stop")]) == [Text("a"), Finish("stop")]
    assert limits.filter([Text("more"), Finish("stop")]) == []


def test_an_answer_of_exactly_the_limit_is_not_cut() -> None:
    text = "one two three"
    said, rest = run(OutputLimits((), count(text)), [text])
    assert said == text
    assert rest[-1] == Finish("stop")


def test_reasoning_counts_towards_the_limit() -> None:
    limits = OutputLimits((), 2)
    assert limits.filter([Reasoning("one two three"), Text("answer")]) == [Reasoning("one two "), Finish("length")]


@given(st.text(alphabet="ab c你.\n", max_size=40), st.lists(st.integers(0, 40), max_size=6), st.integers(1, 12))
def test_max_tokens_does_not_depend_on_the_cut(text: str, places: list[int], most: int) -> None:
    whole, rest = run(OutputLimits((), most), [text])
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    cut, cut_rest = run(OutputLimits((), most), pieces)
    assert cut == whole
    assert cut_rest[-1] == rest[-1]
    assert count(whole) <= most


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_token_count_does_not_depend_on_the_cut(text: str, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    counter = TokenCounter()
    for a, b in itertools.pairwise(edges):
        counter.add(text[a:b])
    assert counter.tokens == count(text)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("   ", 0), ("hi", 1), ("hello", 2), ("你好", 2), ("a, b", 3)])
def test_token_estimate(text: str, tokens: int) -> None:
    assert count(text) == tokens
