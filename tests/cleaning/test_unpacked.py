"""What a text says below its escapes, and the way back from there to the text."""

import base64
import html
import json
import re
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.cleaning import unpacked as unpacking
from addons.cleaning.index import PIECE, Span
from addons.cleaning.unpacked import encodings, escapes, readable, runs

ALL = frozenset(range(256))
WORD = "ab/c'd\"e\\f &<g>öü"


def unpacked(data: bytes, letters: frozenset[int] = ALL) -> list[bytes]:
    return [plain for plain, _ in escapes(data, letters)]


def stands(data: bytes, inner: bytes, letters: frozenset[int] = ALL) -> list[bytes]:
    """Where the text says `inner`, in each way that it does."""
    found: list[bytes] = []
    for plain, back in escapes(data, letters):
        at = plain.find(inner)
        if at >= 0:
            start, end = back((at, at + len(inner)))
            found.append(data[start:end])
    return found


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (b"a%41b", b"aAb"),
        (b"a%2541b", b"aAb"),
        (b"a%252541b", b"aAb"),
        (b"%e4%E4", b"\xe4\xe4"),
        (rb"a\u0041b", b"aAb"),
        (rb"a\\u0041b", b"aAb"),
        (rb"\ud83c\udf0f", "🌏".encode()),
        (rb"\\ud83c\\udf0f", "🌏".encode()),
        (rb"\u0041\ud83c", b"A\xed\xa0\xbc"),
        (rb"\x41\"b\/", b'A"b/'),
        (b"&quot;a&amp;quot;&#65;&#x42;&lt;", b'"a"AB<'),
        (b"a\0b\0\0c", b"abc"),
        (b"a+b", b"a b"),
    ],
)
def test_escapes_are_undone_however_often_they_were_made(data: bytes, plain: bytes) -> None:
    assert plain in unpacked(data)


@pytest.mark.parametrize(
    "data", [b"", b"plain words", b"100%", b"%4", b"%zz", rb"\q", b"a & b", b"&nothing;", b"1:2:3", b"a \\ b"]
)
def test_where_nothing_is_escaped_nothing_is_unpacked(data: bytes) -> None:
    assert all(plain == data for plain in unpacked(data, frozenset(b"abc")))


def test_escapes_that_no_secret_needs_cost_nothing() -> None:
    assert unpacked(b"a+b", frozenset(b"ab")) == []
    assert unpacked(rb"a\"b", frozenset(b"ab")) == []
    assert unpacked(rb"a\n\t\b", frozenset(b"ab\n")) == [], "a line end is in no secret"
    assert b"a\nb" in unpacked(rb"a\nb", frozenset(b"ab\\u")) or b"a\nb" not in unpacked(rb"a\nb", frozenset(b"ab"))


@pytest.mark.parametrize(
    "escaped",
    [
        json.dumps(WORD)[1:-1],
        urllib.parse.quote(WORD, safe=""),
        urllib.parse.quote(urllib.parse.quote(WORD, safe=""), safe=""),
        "".join(f"\\u{ord(letter):04x}" for letter in WORD),
        "".join(f"&#{ord(letter)};" for letter in WORD),
    ],
)
def test_a_place_in_what_is_said_is_a_place_in_the_text(escaped: str) -> None:
    data = f"before {escaped} behind".encode()
    assert escaped.encode() in stands(data, WORD.encode()) or escaped.encode() in [
        found.strip() for found in stands(data, WORD.encode())
    ]


def test_a_span_that_begins_or_ends_inside_of_an_escape_takes_all_of_it() -> None:
    data = b"x\\u00e4y"
    plain, back = next(iter(escapes(data, ALL)))
    assert plain == "xäy".encode()
    assert back((2, 3)) == (1, 7), "half of the letter is the whole escape"
    assert back((0, 1)) == (0, 1)
    assert back((3, 4)) == (7, 8)
    assert back((0, 4)) == (0, 8)


@given(st.binary(max_size=30), st.binary(max_size=12), st.binary(max_size=30))
def test_percent_of_anything_comes_back_with_its_place(before: bytes, secret: bytes, behind: bytes) -> None:
    middle = "".join(f"%{byte:02X}" for byte in secret).encode()
    data = urllib.parse.quote(before, safe="").encode() + middle + urllib.parse.quote(behind, safe="").encode()
    for plain, back in escapes(data, frozenset()):
        if len(plain) == len(before + secret + behind):
            start, end = back((len(before), len(before) + len(secret)))
            assert urllib.parse.unquote_to_bytes(data[start:end]) == secret or not secret


@given(st.text(alphabet="ab%+&\\u0041;#x41\"'/\0:, ", max_size=60))
def test_places_never_leave_the_text_and_keep_their_order(text: str) -> None:
    data = text.encode()
    for plain, back in escapes(data, ALL):
        for start in range(len(plain)):
            begin, end = back((start, start + 1))
            assert 0 <= begin < end <= len(data)


# -- bytes told one by one --------------------------------------------------------------------------------------------
SECRET = b"ak_9fPq2LzR7tXw4"


@pytest.mark.parametrize(
    "row",
    [
        ":".join(f"{byte:02x}" for byte in SECRET),
        " ".join(f"{byte:02X}" for byte in SECRET),
        ", ".join(f"0x{byte:02x}" for byte in SECRET),
        ",".join(map(str, SECRET)),
        json.dumps(list(SECRET)),
        "\n".join(f"{byte:02x}" for byte in SECRET),
    ],
)
def test_rows_of_numbers_say_bytes(row: str) -> None:
    assert any(SECRET in plain for plain in unpacked(f"<{row}>".encode()))
    short = row.replace(row[len(row) // 3 :], "")
    assert not any(SECRET[:4] in plain for plain in unpacked(f"<{short}>".encode()))


# -- base64 and hexadecimal -------------------------------------------------------------------------------------------
def encoded_places(data: bytes, inner: bytes) -> list[Span]:
    return [
        back((plain.index(inner), plain.index(inner) + len(inner))) for plain, back in encodings(data) if inner in plain
    ]


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc", b"abcd"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_read_wherever_it_begins(before: bytes, encode: object) -> None:
    assert callable(encode)
    said = encode(b"??>" + SECRET + b"<??")
    data = before + said
    [(start, end)] = encoded_places(data, SECRET)
    assert base64.b64decode(said.translate(bytes.maketrans(b"-_", b"+/"))).find(SECRET) == 3
    assert len(before) + 4 <= start < end <= len(data)
    assert end - start <= (len(SECRET) + 2) * 4 // 3 + 2


@pytest.mark.parametrize("before", [b"", b"f", b"ff"])
def test_hexadecimal_is_read_wherever_it_begins(before: bytes) -> None:
    data = before + SECRET.hex().upper().encode()
    [(start, end)] = encoded_places(data, SECRET)
    assert data[start:end] == SECRET.hex().upper().encode()


def test_long_runs_are_kept_each_once_and_short_words_are_not() -> None:
    long = base64.b64encode(SECRET).rstrip(b"=")
    assert runs(b"words " + long + b", " + long + b" and words") == long
    assert runs(b"a" * (PIECE * 4 // 3 - 1)) == b""
    assert runs(b"a" * (PIECE * 4 // 3)) == b"a" * (PIECE * 4 // 3)


def test_of_decoded_bytes_what_was_text_may_be_looked_into() -> None:
    assert readable(b"\xff\x00" + b"sixteen letters!" + b"\x01fifteen letters\x02") == b"sixteen letters!"
    assert readable(html.escape("<" * 8).encode()) == html.escape("<" * 8).encode()


_PIECES = st.lists(
    st.sampled_from(
        [b"6", b"1:", b"0x61, ", b"ab", b" ", b"17, ", b"-", b"_", b"/", b"words", b"\xc3\xbc", b"7f " * 12]
    )
    | st.binary(max_size=3),
    max_size=80,
)


@given(_PIECES)
def test_rows_and_runs_are_those_that_a_look_at_every_letter_finds(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert set(runs(data).split()) == set(re.findall(rb"[A-Za-z0-9+/_-]{%d,}" % (PIECE * 4 // 3), data))
    suspect = list(unpacking._long_runs(data, unpacking._ROW_LETTERS, unpacking._SHORTEST_ROW))
    for row in (unpacking._HEX_ROW, unpacking._NUMBER_ROW):
        found = unpacking._matches_in(suspect, data, row)
        assert [one.span() for one in found] == [one.span() for one in row.finditer(data)]
