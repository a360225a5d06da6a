import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.formats.json_tally import JsonTally, OutsideStrings, holds_more
from providers.formats.jsontext import INVALID, loads, unread

TEXTS = st.text(alphabet='a",[]{}:\\\n中', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def counted(value: Any) -> tuple[int, int]:
    """Values (an empty list or object twice) and names, counted in the value."""
    if not isinstance(value, dict | list):
        return 1, 0
    inner = [counted(item) for item in (value.values() if isinstance(value, dict) else value)]
    names = len(value) if isinstance(value, dict) else 0
    return 1 + (not value) + sum(values for values, _ in inner), names + sum(more for _, more in inner)


@given(VALUES, st.booleans(), st.lists(st.integers(1, 7), min_size=1))
def test_values_and_names_are_counted_however_the_text_is_cut(value: Any, ascii_only: bool, cuts: list[int]) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    tally, at = JsonTally(), 0
    for step in range(len(data)):
        if at >= len(data):
            break
        tally.feed(data[at : at + cuts[step % len(cuts)]])
        at += cuts[step % len(cuts)]
    assert (tally.values, tally.names) == counted(value)


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)


@given(VALUES, st.booleans(), st.integers(0, 80))
def test_outside_of_strings_is_what_a_look_at_every_letter_says(value: Any, ascii_only: bool, at: int) -> None:
    data = json.dumps([value, '\\"', "a\\"], ensure_ascii=ascii_only).encode()
    outside = OutsideStrings()
    found = outside.feed(data[:at]) + b"|" + outside.feed(data[at:])
    assert found.translate(None, b" |") == _STRING.sub(b"", data).translate(None, b" ")
    assert outside.strings == len(_STRING.findall(data))


def test_what_stands_in_strings_is_nothing() -> None:
    outside = OutsideStrings()
    assert outside.feed(b'{"a\\"[":1,"') == b"{ :1,"
    assert b"".join(map(outside.feed, (b"\\", b'"', b'"}'))) == b"}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"[" + b"{}," * 80 + b"1]", id="objects"),
        pytest.param(b'["' + b'","' * 101 + b'"]', id="texts"),
        pytest.param(b'""' * 210, id="no JSON, only quotes"),
        pytest.param(b"[" + b"9" * 401 + b"]", id="a number as long as a text"),
    ],
)
def test_more_than_the_limit_is_not_read(text: bytes) -> None:
    assert holds_more(text, 100)
    assert loads(text, 100) is INVALID
    assert unread(text, 100) == "holds more than 100 values"


def test_commas_in_a_text_are_no_values() -> None:
    text = json.dumps(["," * 5000 + '"' * 50]).encode()
    assert not holds_more(text, 100)
    assert loads(text, 100) == ["," * 5000 + '"' * 50]
