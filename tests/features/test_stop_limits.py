import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.text import joined
from addons.features.stop_limits import OutputLimits
from addons.features.token_estimate import count
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Image, Reasoning, Text, ToolCallDelta, Usage


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
    ("stop", "text", "expected", "ended_by"),
    [
        pytest.param(("END",), "hello END more", "hello ", "END", id="in the middle"),
        pytest.param(("END",), "hello EN", "hello EN", None, id="only begun"),
        pytest.param(("\n\n",), "a\nb\n\nc", "a\nb", "\n\n", id="line ends"),
        pytest.param(("bc", "abcd"), "xabcd", "xa", "bc", id="the first to be complete counts"),
        pytest.param(("aab",), "aaab", "a", "aab", id="overlapping begin"),
        pytest.param(("x",), "x", "", "x", id="nothing before it"),
    ],
)
def test_stop_is_the_same_at_every_cut(stop: tuple[str, ...], text: str, expected: str, ended_by: str | None) -> None:
    for pieces in [*cuts(text), list(text), [text]]:
        limits = OutputLimits(stop, None)
        said, rest = run(limits, pieces)
        assert said == expected
        last = rest[-1]
        assert isinstance(last, Finish)
        assert (last.reason, last.stop_sequence) == ("stop", ended_by)
        assert limits.done == (ended_by is not None)


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
    assert limits.filter([Text("axb"), Finish("stop")]) == [Text("a"), Finish("stop", stop_sequence="x")]
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


STOPS = st.lists(st.text(alphabet="ab你😀\n", min_size=1, max_size=4), max_size=3).map(tuple)
TEXTS = st.text(alphabet="ab 你😀\n", max_size=30)


def halves(text: str) -> str:
    """The text in UTF-16 units, as sites cut it: a character beyond the first plane is two."""
    raw = text.encode("utf-16-le")
    return "".join(raw[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(raw), 2))


@given(STOPS, st.none() | st.integers(1, 12), TEXTS, st.lists(st.integers(0, 40), max_size=8))
def test_both_limits_together_do_not_depend_on_the_cut(
    stop: tuple[str, ...], most: int | None, text: str, places: list[int]
) -> None:
    units = halves(text)
    edges = [0, *sorted(min(place, len(units)) for place in places), len(units)]
    whole, rest = run(OutputLimits(stop, most), [text])
    cut, cut_rest = run(OutputLimits(stop, most), [units[a:b] for a, b in itertools.pairwise(edges)])
    assert joined(cut) == joined(whole)
    assert cut_rest[-1] == rest[-1]
    if stop or most is not None:
        assert joined(cut) == cut  # no half of a pair leaves
    assert text.startswith(joined(whole))
    assert not any(s in whole for s in stop)
    if most is None:
        first = min((text.index(s) + len(s) for s in stop if s in text), default=None)
        assert (whole == text) == (first is None)


@given(TEXTS, TEXTS, st.integers(1, 12), st.lists(st.integers(0, 30), max_size=6))
def test_reasoning_and_text_share_one_limit_however_they_are_cut(
    thought: str, text: str, most: int, places: list[int]
) -> None:
    def said(cuts: list[int]) -> list[str]:
        limits = OutputLimits((), most)
        events: list[Event] = []
        for kind, words in ((Reasoning, thought), (Text, text)):
            edges = [0, *sorted(min(place, len(words)) for place in cuts), len(words)]
            events += [found for a, b in itertools.pairwise(edges) for found in limits.filter([kind(words[a:b])])]
        events += limits.filter([Finish("stop")])
        reasons = [event.reason for event in events if isinstance(event, Finish)]
        found = ["".join(e.text for e in events if isinstance(e, kind)) for kind in (Reasoning, Text)]
        return [*found, *reasons]

    assert said(places) == said([])


def test_a_stop_in_two_halves_of_an_emoji_is_found() -> None:
    said, rest = run(OutputLimits(("😀",), None), ["a\ud83d", "\ude00b"])
    assert (said, rest) == ("a", [Finish("stop", stop_sequence="😀")])


def test_half_a_pair_at_the_end_is_given_as_replacement() -> None:
    limits = OutputLimits(("x",), None)
    assert limits.filter([Text("a\ud83d")]) == [Text("a")]
    assert limits.filter([Finish("stop")]) == [Text("\ufffd"), Finish("stop")]


def test_text_held_back_stands_before_a_picture() -> None:
    limits = OutputLimits(("END",), None)
    events = limits.filter([Text("see E"), Image("https://x/y.png"), Text("ND"), Finish("stop")])
    assert events == [Text("see "), Text("E"), Image("https://x/y.png"), Text("ND"), Finish("stop")]


def test_without_limits_events_pass_as_they_are() -> None:
    events: list[Event] = [Text("a\ud83d", 1), Reasoning("b"), Finish("stop", ((1, "length"),))]
    assert OutputLimits((), None).filter(events) == events


def test_a_stop_string_behind_a_call_leaves_the_call() -> None:
    limits = OutputLimits(("END",), None)
    call = ToolCallDelta(0, "c", "f", '{"a":"END"}')
    assert limits.filter([Text("so E"), call, Text("x END y")]) == [
        Text("so "),
        Text("E"),
        call,
        Text("x "),
        Finish("tool_calls", stop_sequence="END"),
    ]
