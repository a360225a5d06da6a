import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.words.shown import json_line, shown, shown_lines

HOSTILE = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u00ad\u061c\u180e\u200b\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068",
    *"\u2069\ufeff\ufff9\U000e0001\U000e0041",
    *map(chr, (0xD800, 0xDBFF, 0xDC9B, 0xDFFF)),
]


@pytest.mark.parametrize("character", HOSTILE, ids=lambda character: f"{ord(character):x}")
def test_what_cannot_be_printed_is_shown_as_its_escape(character: str) -> None:
    code = ord(character)
    escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    assert shown(f"a{character}b") == f"a{escape}b"
    assert json.loads(json_line({"a": character})) == {"a": character}
    assert character not in json_line({"a": character})


@pytest.mark.parametrize("text", ["GLM-4.6", "über 你好\u3000世界\u00a0🌏", "a\\x1bb", ""])
def test_what_can_be_printed_stays(text: str) -> None:
    assert shown(text) == text


def test_a_limit_counts_what_is_shown() -> None:
    assert shown("abcdef", 6) == "abcdef"
    assert shown("abcdefg", 6) == "abcde…"
    assert shown("\x1b" * 100, 10) == "\\x1b\\x1b\\…"
    assert shown("ab", 0) == "…"


def test_lines_of_others_never_begin_where_ours_do() -> None:
    assert shown_lines("one\nINJECTED\r\n\x1b[2J") == "one\n    INJECTED\\x0d\n    \\x1b[2J"


@given(st.text())
def test_one_line_stays_one_line(text: str) -> None:
    told = shown(text)
    assert len(told.splitlines()) <= 1
    assert not any(character in told for character in HOSTILE)
    assert len(shown(text, 20)) <= 20
    line = json_line({"words": text})
    assert len(line.splitlines()) == 1
    assert not any(character in line for character in HOSTILE)
    assert json.loads(line) == {"words": text}
