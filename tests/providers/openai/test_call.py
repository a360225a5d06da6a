"""One call: what of its arguments is read at once, and what is held back until it is whole."""

import json

import pytest

from providers.openai import call as module
from providers.openai.call import Call

OBJECT = '{"a": "b"}'
QUOTED = json.dumps(OBJECT)


def taken(*pieces: str, free: bool = False) -> tuple[Call, str]:
    call = Call(0)
    call.free = free
    return call, "".join(map(call.read_now, pieces))


def test_arguments_that_are_an_object_are_read_at_once() -> None:
    call, read = taken('{"a"', ": 1}")
    assert read == '{"a": 1}'
    assert (call.said, call.blank) == (False, True)  # who reads them says so


def test_a_text_with_an_object_in_it_is_held_until_it_is_whole() -> None:
    call, read = taken(QUOTED[:4])
    assert (read, call.open, call.broken_off, call.said, call.blank) == ("", True, True, True, False)
    assert call.rest() == QUOTED[:4]
    assert call.read_now(QUOTED[4:]) == ""
    assert (call.open, call.broken_off, call.rest()) == (False, False, OBJECT)


@pytest.mark.parametrize("text", ['"words"', '"[1]"', '"{"', '""'])
def test_a_text_that_holds_no_object_is_told_as_it_came(text: str) -> None:
    call, read = taken(text)
    assert (read, call.rest()) == ("", text)


def test_pieces_of_nothing_say_nothing() -> None:
    call, _ = taken(QUOTED[:-1], "", '"', "")
    assert (call.open, call.rest()) == (False, OBJECT)


def test_the_input_of_a_custom_tool_is_no_json() -> None:
    assert taken(QUOTED, free=True)[1] == QUOTED


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_QUOTED_LIMIT", 5)
    call, read = taken('"abc', "de", "f")
    assert read == '"abcdef'
    assert call.rest() == ""
