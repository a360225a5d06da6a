"""JSON in the text of a model: what is found on the way and at the end, at every cut."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.features.structured.finder import JsonFinder, _decoded, beginning, values_in

ON_THE_WAY = [
    ('{"a": 1}', ['{"a": 1}']),
    ('Here you are:\n```json\n{"a": {"b": [1, 2]}}\n``` I hope', ['{"a": {"b": [1, 2]}}']),
    ('{"a": "}{\\"]"} {"b": 2}', ['{"a": "}{\\"]"}', '{"b": 2}']),
    ('the set {x, y}, and { "a": 1 }', ["{x, y}", '{ "a": 1 }']),
    ('[{"a": 1}, {"b": 2}]', ['[{"a": 1}, {"b": 2}]']),
    ('see [1]: {"a": 1}', ["[1]", '{"a": 1}']),
    ('{a: {"b": 1}} {"c": 2}', ['{a: {"b": 1}}', '{"c": 2}']),
    ("{}", ["{}"]),
    ("{ \n }", ["{ \n }"]),
    ('{{"a": 1}', []),
    ('<think>{"a": 1} or</think>{"a": 2}', ['{"a": 2}']),
    ('<think>{"a": 1}', []),
    ('a < b <thin {"a": 1}', ['{"a": 1}']),
    ('{"a": "C:\\\\"} x', ['{"a": "C:\\\\"}']),
    ('{"a": 1', []),
    ("no JSON at all", []),
]


def cut(text: str, *at: int) -> list[str]:
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in at)})
    return [text[begin:end] for begin, end in pairwise(places)]


def found(pieces: list[str]) -> list[str]:
    finder = JsonFinder()
    return [json for piece in pieces for json, _ in finder.feed(piece)]


@pytest.mark.parametrize(("text", "expected"), ON_THE_WAY)
def test_found_on_the_way_at_every_cut(text: str, expected: list[str]) -> None:
    assert found([text]) == expected
    assert found(list(text)) == expected
    for at in range(len(text)):
        assert found(cut(text, at)) == expected


@given(
    st.lists(st.sampled_from(['{"a"', ": 1", "}", "{", "[", "]", '"', "\\", "<think>", "</think>", " ", "x"])),
    st.data(),
)
def test_found_the_same_at_any_cut(words: list[str], data: st.DataObject) -> None:
    text = "".join(words)
    places = data.draw(st.lists(st.integers(0, max(1, len(text)))))
    assert found(cut(text, *places)) == found([text])


def test_what_is_behind_is_told() -> None:
    assert list(JsonFinder().feed('{"a": 1}\n``` and')) == [('{"a": 1}', len("\n``` and"))]


def test_whether_it_is_open() -> None:
    finder = JsonFinder()
    assert not list(finder.feed('{"a": "x'))
    assert finder.in_string


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ("```json\n{'a': True, }\n```", {"a": True}),
        ("Sure: {'a': 1,} - done", {"a": 1}),
        ("{a: 1}", {"a": 1}),
        ('use {first, then {"a": 1} and', {"a": 1}),
        ('from [0, 1) on: {"a": 1}', {"a": 1}),
        ('{a: {"b": 1}}', {"a": {"b": 1}}),
        ('{"a": 1}</think>{"b": 2', {"b": 2}),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ("3", 3),
    ],
)
def test_what_can_still_be_told_at_the_end(text: str, expected: Any) -> None:
    assert expected in list(values_in(text, cut=True))


@pytest.mark.parametrize("text", ["", "words", "the set {x, y}", "{", "}{", "a [list]", "{1, 2}"])
def test_prose_is_not_mended_into_json(text: str) -> None:
    assert list(values_in(text, cut=True)) == []


@pytest.mark.parametrize(
    "text", ['[{"a": 1}, {"b": 2}]', 'Both: [{"a": 1}, {"b": 2}]', "```json\n[{'a': 1}, {'b': 2}]\n```"]
)
def test_a_part_of_a_list_is_never_told(text: str) -> None:
    assert {"a": 1} not in list(values_in(text, cut=True))


def test_a_text_that_was_not_cut_is_not_closed() -> None:
    assert list(values_in('{"a": [1, 2', cut=False)) == []


def test_where_it_begins() -> None:
    assert beginning('a {set} {"a": 1', lists=False) == 8
    assert beginning("[1", lists=False) is None
    assert beginning("[1", lists=True) == 0


def test_a_long_text_is_read_a_few_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its beginnings would be read up to the place where all of them break."""
    read: list[int] = []

    def decoded(text: str, at: int) -> tuple[Any, int]:
        read.append(at)
        return _decoded(text, at)

    monkeypatch.setattr("addons.features.structured.finder._decoded", decoded)
    assert list(values_in('{"a": ' * 30 + "[1" + ",1" * 50_000, cut=False)) == []
    assert len(read) < 8
