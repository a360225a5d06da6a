import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.text import JsonText, SurrogateJoiner, joined, json_bytes

ANY_TEXT = st.text(st.one_of(st.characters(), st.sampled_from("\ud83d\ude00\udbff\udc00a")), max_size=12)


@given(st.lists(ANY_TEXT, max_size=8))
def test_pieces_of_any_text_are_valid_and_give_the_whole(pieces: list[str]) -> None:
    pairs = SurrogateJoiner()
    said = [pairs.feed(piece) for piece in pieces] + [pairs.rest()]
    for piece in said:
        piece.encode()
    assert "".join(said) == joined("".join(pieces))


@given(st.lists(ANY_TEXT, max_size=8))
def test_escaped_pieces_say_the_same(pieces: list[str]) -> None:
    text = JsonText()
    said = [json.loads(text.escape(piece)) for piece in pieces] + [text.rest()]
    assert "".join(said) == joined("".join(pieces))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": "\ud83d"}, {"a": "\ufffd"}, id="half a pair"),
        pytest.param({"a": "\ud83d\ude00"}, {"a": "😀"}, id="a pair in halves"),
        pytest.param({"\ud83d": [{"b": ("\ude00",)}]}, {"\ufffd": [{"b": ["\ufffd"]}]}, id="name and depth"),
        pytest.param({"logprob": float("-inf")}, {"logprob": None}, id="infinity"),
        pytest.param({"x": float("nan"), "y": "\ud83d"}, {"x": None, "y": "\ufffd"}, id="NaN beside half a pair"),
        pytest.param(MappingProxyType({"a": 1}), {"a": 1}, id="a read-only mapping"),
        pytest.param(
            {"a": None, "b": True, "c": 1.5, "d": 2**70}, {"a": None, "b": True, "c": 1.5, "d": 2**70}, id="all"
        ),
    ],
)
def test_any_value_becomes_json_a_strict_client_reads(value: Any, expected: Any) -> None:
    raw = json_bytes(value).decode()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(raw, parse_constant=refuse) == expected


def test_a_value_of_any_depth_is_written() -> None:
    value: Any = "x"
    for _ in range(5000):
        value = [value]
    assert json.loads(json_bytes(value))
