"""JSON from the wire: fast on what is right, patient with what is nearly right, never raising."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from providers.formats import jsontext
from providers.formats.jsontext import (
    GLUED_VALUES,
    INVALID,
    NAME_LIMIT,
    dumps,
    loads,
    loads_glued,
    mapping,
    model_name,
    past_blanks,
    text,
    unread,
    whole,
)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"a":[1,2.5,null,true]}', {"a": [1, 2.5, None, True]}),
        (b'"\\ud83d"', "\ud83d"),
        (b'"a\xffb"', "a\ufffdb"),
        (b"{", INVALID),
        (b"", INVALID),
        (b"[" * 5000, INVALID),
    ],
)
def test_json_is_read_patiently(payload: bytes, value: object) -> None:
    assert loads(payload) == value


def test_glued_values_and_their_rest() -> None:
    assert loads_glued(b'{"a":1}{"b":2} {"c":') == ([{"a": 1}, {"b": 2}], b'{"c":')


@given(st.binary(max_size=60))
def test_json_never_raises(payload: bytes) -> None:
    loads(payload)
    loads_glued(payload)


def test_json_is_written_as_utf8_whatever_the_text() -> None:
    assert dumps({"a": "你\ud83d"}) == '{"a":"你?"}'.encode()


def test_glued_values_are_bounded() -> None:
    values, rest = loads_glued(b"1 " * (GLUED_VALUES + 5))
    assert len(values) == GLUED_VALUES
    assert rest == b"1 " * 5


@pytest.mark.parametrize("value", [1e300, 2**200, "é\u2028\x7f", float("nan"), {"a": [None, True]}, "\ud83d"])
def test_json_is_written_as_the_standard_library_writes_it(value: Any) -> None:
    expected = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    assert json.loads(dumps(value)) == json.loads(expected) or value != value  # NaN is no equal of itself


@pytest.mark.parametrize(("count", "reads"), [(10, True), (11, False)])
def test_more_values_than_wanted_are_not_read(count: int, reads: bool) -> None:
    payload = json.dumps(list(range(count - 1))).encode()
    assert (loads(payload, 10) is not INVALID) is reads
    assert unread(payload, 10) == ("is no JSON" if reads else "holds more than 10 values")
    assert bool(loads_glued(payload, 10)[0]) is reads


def test_a_long_text_is_read_by_the_patient_reader_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def fast(payload: bytes) -> object:
        asked.append(len(payload))
        return from_json(payload)

    monkeypatch.setattr(jsontext, "from_json", fast)
    assert loads(b'"' + b"x" * 300_000 + b'"') == "x" * 300_000
    assert asked == []
    assert loads(b'"x"') == "x"
    assert asked == [3]


@pytest.mark.parametrize(
    ("payload", "values", "rest"),
    [
        (b"", [], b""),
        (b" \n", [], b""),
        (b"1", [1], b""),
        (b" 1 \n[2]\t{}  ", [1, [2], {}], b""),
        (b"nonsense", [], b"nonsense"),
        (b"1 nonsense 2", [1], b"nonsense 2"),
        (b'"\xff"', ["\ufffd"], b""),
        (b'1 "\\ud83d', [1], b'"\\ud83d'),
        (b"[" * 5000, [], b"[" * 5000),
    ],
)
def test_values_that_are_glued_together(payload: bytes, values: list[Any], rest: bytes) -> None:
    assert loads_glued(payload) == (values, rest)


@given(
    st.lists(st.recursive(st.none() | st.integers() | st.text(max_size=4), st.lists, max_leaves=4), max_size=5),
    st.integers(0, 5),
)
def test_any_values_come_back_unglued(values: list[Any], blanks: int) -> None:
    glued = (b" " * (blanks + 1)).join(json.dumps(value).encode() for value in values)
    assert loads_glued(glued) == (values, b"")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert loads(dumps(value)) == value


@pytest.mark.parametrize("value", [None, [], "x", 5, True])
def test_what_is_no_object_is_an_empty_one(value: object) -> None:
    assert mapping(value) == {}
    assert mapping({"a": value}) == {"a": value}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("GLM-4.6", "GLM-4.6"),
        ("name with words", "name with words"),
        ("x" * NAME_LIMIT, "x" * NAME_LIMIT),
        ("x" * (NAME_LIMIT + 1), ""),
        ("", ""),
        ("   ", ""),
        ("a\nb", ""),
        ("a\u202eb", ""),
        (5, ""),
        (None, ""),
    ],
)
def test_what_a_model_may_be_called(value: object, name: str) -> None:
    assert model_name(value) == name


@pytest.mark.parametrize(
    ("value", "number"), [(5, 5), (-1, -1), (0, 0), (True, None), (5.0, None), ("5", None), (None, None)]
)
def test_whole_numbers(value: object, number: int | None) -> None:
    assert whole(value) == number
    assert type(whole(value)) is type(number)


@pytest.mark.parametrize(("at", "end"), [(0, 2), (1, 2), (2, 2), (3, 3), (4, 4)])
def test_white_space_is_passed_over(at: int, end: int) -> None:
    assert past_blanks(" \nab", at) == end


def test_text_is_text_or_nothing() -> None:
    assert [text(value) for value in ("x", "", None, 5, ["x"])] == ["x", "", "", "", ""]
