"""The text of a custom tool out of its function's arguments, however they are cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.responses.input_text import InputText, input_of
from addons.dialects.text import SurrogateJoiner


def read(*pieces: str) -> tuple[str, list[str]]:
    reader, joiner = InputText(), SurrogateJoiner()
    deltas = [joiner.feed(reader.feed(piece)) for piece in pieces]
    deltas.append(joiner.feed(reader.rest()) + joiner.rest())
    return "".join(deltas), deltas


PATCH = '*** Begin "Patch"\n+\tüñ 🌏 \\ \x01 </x>\n'


@pytest.mark.parametrize("ascii_only", [True, False])
def test_every_cut_gives_the_same_text(ascii_only: bool) -> None:
    whole = json.dumps({"input": PATCH}, ensure_ascii=ascii_only)
    for at in range(len(whole) + 1):
        assert read(whole[:at], whole[at:])[0] == PATCH
    assert read(*whole)[0] == PATCH


@given(st.text(), st.lists(st.integers(0, 200)))
def test_any_text_in_any_pieces(text: str, cuts: list[int]) -> None:
    whole = json.dumps({"input": text})
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    assert read(*(whole[a:b] for a, b in pairwise(places)))[0] == text


def test_it_comes_while_the_arguments_do() -> None:
    assert read('{"in', 'put": "a', "b\\", 'nc"', "}")[1] == ["", "a", "b", "\nc", "", ""]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"patch": "x"}', "x"),
        ('{"why": "y", "input": "x"}', "x"),
        ('{"a": "y", "b": "x"}', '{"a": "y", "b": "x"}'),
        ('"x"', "x"),
        ("*** plain", "*** plain"),
        ("", ""),
        ('{"input": 7}', '{"input": 7}'),
        (" " * 1000 + '{"input": "x"}', "x"),
    ],
)
def test_arguments_of_another_form_give_their_text_at_the_end(arguments: str, expected: str) -> None:
    assert read(arguments)[0] == input_of(arguments) == expected


def test_an_escape_that_json_does_not_know_stays() -> None:
    assert read('{"input": "\\d+"}')[0] == "\\d+"


@pytest.mark.parametrize(
    ("arguments", "whole"),
    [('{"input": "x"}', True), ('{"input": "x', False), ('{"other": "x"}', True), ('{"other": "x', False), ("", False)],
)
def test_whether_it_has_ended(arguments: str, whole: bool) -> None:
    reader = InputText()
    reader.feed(arguments)
    assert reader.is_whole() is whole
