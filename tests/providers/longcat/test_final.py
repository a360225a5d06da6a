"""What LongCat calls the final text, and what of it the client has not got."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.longcat import final as it
from providers.longcat.final import FinalText, differs, missing, text_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a", "a"),
        (["a", "b"], "ab"),
        ({"text": "a"}, "a"),
        ({"content": "a"}, "a"),
        ({"text": "", "content": "a"}, "a"),
        ({"text": "a", "content": "b"}, "a"),
        ([{"text": "a"}, {"content": ["b", {"text": "c"}]}], "ab"),
        ([[["deep"]]], "deep"),
        ([[[["deeper"]]]], ""),
        (5, ""),
        (None, ""),
        ({"other": "a"}, ""),
    ],
)
def test_words_of_any_form(value: Any, words: str) -> None:
    assert text_of(value) == words


def test_the_newest_of_each_name_counts_the_likeliest_first() -> None:
    final = FinalText()
    assert final.found == []
    final.add({"finalContent": "b", "content": "not of the end"})
    final.add({"finalContentX": "a"})
    final.add({"finalContent": "  "})
    assert final.found == ["a", "b"]
    final.add({"content": "c", "finalContent": "newer"}, end=True)
    assert final.found == ["a", "newer", "c"]
    final.add({"content": "a"}, end=True)
    assert final.found == ["a", "newer"], "each text once"


@pytest.mark.parametrize(
    ("final", "said", "rest"),
    [
        ("all of it", "all", " of it"),
        ("all of it", "", "all of it"),
        ("all of it", "all of it", ""),
        ("all  of\nit", "all of", "\nit"),
        ("all of it", "all of it and more", ""),
        ("of", "all of it", ""),
        ("other words", "all of it", "\n\nother words"),
        ("", "all", ""),
    ],
)
def test_what_is_still_to_be_said(final: str, said: str, rest: str) -> None:
    assert missing(final, said) == rest


@given(st.text(alphabet="ab \n", max_size=20), st.text(alphabet="ab \n", max_size=20))
def test_all_of_the_final_text_is_said_in_the_end(final: str, said: str) -> None:
    rest = missing(final, said)
    assert "".join(final.split()) in "".join((said + rest).split())
    if final.startswith(said):
        assert said + rest == final


@given(st.text(alphabet="ab \n", max_size=30), st.integers(0, 30))
def test_white_space_is_no_difference(final: str, cut: int) -> None:
    said = " ".join(final[:cut].split())
    assert not differs(final, said)
    assert "".join(missing(final, said).split()) == "".join(final.split())[len("".join(said.split())) :]


def test_other_words_are_a_difference() -> None:
    assert differs("a b", "a c")
    assert differs("a", "ab")
    assert not differs("ab", "a")


@pytest.mark.parametrize("length", [10_000, 40_000])
def test_the_place_is_found_by_halves(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def squeezed(text: str) -> str:
        read.append(len(text))
        return "".join(text.split())

    monkeypatch.setattr(it, "_squeezed", squeezed)
    assert it._end_of(length // 2, "x " * length) == length - 1
    assert sum(read) <= 4 * length
