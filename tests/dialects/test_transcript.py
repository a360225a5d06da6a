"""Bodies of a format that nobody knows as people read them, and the words that all formats are read with."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.registry import DIALECTS
from addons.dialects.transcript import LONG, Passage, RawTranscript, Transcript, all_but, as_text, one_line, shortened

READERS: list[Transcript] = [RawTranscript(), *(dialect.transcript for dialect in DIALECTS)]


@pytest.mark.parametrize(("held", "said"), [(0, [Passage("answer", "Hello")]), (5, [])])
def test_a_format_nobody_knows_is_shown_as_it_is(held: int, said: list[Passage]) -> None:
    assert list(RawTranscript().asked("x")) == [Passage("request", "x")]
    assert list(RawTranscript().asked("")) == []
    assert list(RawTranscript().answered("Hello", held)) == said
    reader = RawTranscript().frames()
    assert (reader.words({"a": "b\nc"}), reader.head) == (['{"a": "b\\nc"}'], [])


@given(st.text(max_size=200), st.integers(0, 5))
def test_no_reader_fails_at_what_is_of_no_form(body: str, held: int) -> None:
    for read in READERS:
        assert all(isinstance(said, Passage | str) for said in (*read.asked(body), *read.answered(body, held)))
        assert isinstance(read.error_of(body), str)
        assert isinstance(read.frames().words({"data": body}), list)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (None, "null"), ({"ä": [1]}, '{"ä": [1]}'), (5, "5")],
)
def test_what_is_no_text_is_shown_as_json(value: object, text: str) -> None:
    assert as_text(value) == text


def test_what_is_too_deep_is_said_to_be() -> None:
    deep: Any = []
    for _ in range(200_000):
        deep = [deep]
    assert as_text(deep) == "(too deep to be shown)"
    circle: list[object] = []
    circle.append(circle)
    assert as_text(circle) == "(too deep to be shown)"


def test_a_long_text_is_cut_and_its_length_told() -> None:
    assert shortened("x" * LONG) == "x" * LONG
    assert shortened("x" * (LONG + 1)) == "x" * LONG + f"… ({LONG + 1} characters)"
    assert (one_line("a\nb"), one_line("a\nbcd", 3)) == ("a b", "a b… (5 characters)")


@pytest.mark.parametrize(("held", "text"), [(0, "Hello"), (2, "Hel"), (5, ""), (9, "H" * 0)])
def test_the_last_letters_are_held_back(held: int, text: str) -> None:
    assert all_but("Hello", held) == text or held > 5
