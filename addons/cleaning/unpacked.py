"""The texts below a text's escapes: percent, JSON, HTML, base64, hexadecimal, UTF-16, lists of bytes; and where that
stands in it. Pure.

Each unpacking gives plain bytes and a way back from places in them to places in the text. All read in linear time.
"""

import html
import re
from binascii import a2b_base64, unhexlify
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from addons.cleaning.index import PIECE, Span

type Back = Callable[[Span], Span]
"""From a span of the unpacked bytes to the span of the text that says it."""
type Unpacked = tuple[bytes, Back]
type _Value = Callable[[re.Match[bytes]], bytes]

# An escape may be escaped again, any number of times: %252F, \\u0041 in JSON that stands in JSON, &amp;quot;
_PERCENT: Final = re.compile(rb"%(?:25)*([0-9A-Fa-f]{2})")
_PLUS: Final = re.compile(rb"\+|" + _PERCENT.pattern)
_ENTITY: Final = re.compile(rb"&(?:amp;)*(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|quot|apos|lt|gt|amp);")
_UNITS: Final = rb"u([0-9A-Fa-f]{4})(?:\\+u([dD][c-fC-F][0-9A-Fa-f]{2}))?|x([0-9A-Fa-f]{2})"
_JSON: Final = re.compile(rb"\\(?:" + _UNITS + rb"|([/\"'bfnrt\\]))")
"""Escaped once: for secrets that have a backslash of their own."""
_SHORT: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}

_NULS: Final = re.compile(rb"\x00+")
"""UTF-16 of the letters that Latin-1 has is Latin-1 with a NUL beside each."""
_HEX_ROW: Final = re.compile(
    rb"(?:(?:0[xX])?[0-9A-Fa-f]{2}[\s:,;.-]{1,8}){%d,}+(?:(?:0[xX])?[0-9A-Fa-f]{2})?" % (PIECE - 1)
)
_HEX_BYTE: Final = re.compile(rb"(?:0[xX])?([0-9A-Fa-f]{2})")
_NUMBER_ROW: Final = re.compile(rb"(?:[0-9]{1,3}[\s,;]{1,8}){%d,}+(?:[0-9]{1,3})?" % (PIECE - 1))
_NUMBER: Final = re.compile(rb"[0-9]{1,3}")
"""Bytes told one by one, as in `61:6b`, `0x61, 0x6b`, `[97, 107]`."""


def _marking(letters: bytes) -> bytes:
    """The table that makes `0` of these letters and a blank of all others."""
    return bytes(48 if c in letters else 32 for c in range(256))


_ROW_LETTERS: Final = _marking(b"0123456789abcdefABCDEFxX:,;.- \t\r\n\f\v")
_SHORTEST_ROW: Final = 2 * (PIECE - 1)
"""Rows of both kinds are of these letters alone. They are rare: to look for a run of letters is quick, for a pattern
slow."""

_READABLE: Final = re.compile(rb"[\x20-\x7e\r\n\t]{16,}")
_RUN: Final = PIECE * 4 // 3
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_RUN_LETTERS: Final = _marking(_ALPHABET + b"-_")
_TO_BASE64: Final = bytes(c if c in _ALPHABET else {45: 43, 95: 47}.get(c, 65) for c in range(256))
_TO_HEX: Final = bytes(c if c in b"0123456789abcdefABCDEF" else 48 for c in range(256))


def escapes(data: bytes, letters: frozenset[int]) -> Iterator[Unpacked]:
    """`data` with one kind of escapes undone, for each kind there is in it. `letters` are those secrets are made of."""
    if b"%" in data:
        yield from _undone(data, _PERCENT, _percent)
    if b"+" in data and 0x20 in letters:
        yield from _undone(data, _PLUS, _percent)
    if b"\\" in data and any(
        b"\\" + bytes([letter]) in data for letter in b"ux/\"'\\" if letter in b"ux" or letter in letters
    ):
        yield from _undone(data, _backslashes(letters), _backslash)
        if 0x5C in letters:
            yield from _undone(data, _JSON, _backslash)
    if b"&" in data:
        yield from _undone(data, _ENTITY, _entity)
    if b"\0" in data:
        yield from _undone(data, _NULS, lambda found: b"")
    suspect = list(_long_runs(data, _ROW_LETTERS, _SHORTEST_ROW))
    rows = _matches_in(suspect, data, _HEX_ROW)
    yield from _replaced(data, rows, lambda found: unhexlify(b"".join(_HEX_BYTE.findall(found[0]))))
    rows = _matches_in(suspect, data, _NUMBER_ROW)
    yield from _replaced(data, rows, lambda found: bytes(min(int(n), 255) for n in _NUMBER.findall(found[0])))


def runs(data: bytes) -> bytes:
    """The long runs of letters that may be base64 or hexadecimal, each once: a stream says the same ids many times."""
    return b" ".join({data[start:end] for start, end in _long_runs(data, _RUN_LETTERS, _RUN)})


def _long_runs(data: bytes, letters: bytes, least: int) -> Iterator[Span]:
    """The spans of at least so many letters in a row that the table `letters` marks."""
    marked, wanted = data.translate(letters), b"0" * least
    start = marked.find(wanted)
    while start >= 0:
        end = marked.find(b" ", start)
        end = len(data) if end < 0 else end
        yield start, end
        start = marked.find(wanted, end)


def _matches_in(spans: list[Span], data: bytes, row: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    return (found for span in spans for found in row.finditer(data, *span))


def readable(decoded: bytes) -> bytes:
    """The parts of decoded bytes that may have escapes or encodings of their own: what was text, not chance."""
    return b"\n".join(_READABLE.findall(decoded))


def encodings(data: bytes) -> list[Unpacked]:
    """The texts `data` holds as base64 (both alphabets) and hexadecimal, at each place one may begin.

    It is decoded as a whole, what is none of the alphabet counting as its zero: so places stay in proportion.
    """
    letters, digits = data.translate(_TO_BASE64), data.translate(_TO_HEX)
    found: list[Unpacked] = []
    for offset in range(4):
        count = (len(data) - offset) // 4 * 4
        found.append((a2b_base64(letters[offset : offset + count]), _from_base64(offset)))
    for offset in range(2):
        count = (len(data) - offset) // 2 * 2
        found.append((unhexlify(digits[offset : offset + count]), _from_hex(offset)))
    return found


@lru_cache(maxsize=16)
def _backslashes(letters: frozenset[int]) -> re.Pattern[bytes]:
    """What a backslash, or any number of them, may escape; a line end is in no secret, so it is left alone."""
    short = b"".join(re.escape(bytes([c])) for c in b"/\"'" if c in letters)
    return re.compile(rb"(?<!\\)\\++(?:" + _UNITS + (rb"|([" + short + rb"]))" if short else rb"|(?!)())"))


def _from_base64(offset: int) -> Back:
    return lambda span: (offset + span[0] * 4 // 3, offset - (-span[1] * 4 // 3))


def _from_hex(offset: int) -> Back:
    return lambda span: (offset + 2 * span[0], offset + 2 * span[1])


def _undone(data: bytes, escape: re.Pattern[bytes], value: _Value) -> Iterator[Unpacked]:
    """`data` without such escapes; nothing when there is none."""
    return _replaced(data, escape.finditer(data), value)


def _replaced(data: bytes, escapes_found: Iterable[re.Match[bytes]], value: _Value) -> Iterator[Unpacked]:
    """`data` with the values of these matches in their places; nothing when there is none."""
    parts: list[bytes] = []
    said: list[int] = []
    """Where each escape's value begins and ends in what is unpacked: even and odd places."""
    stood: list[int] = []
    """The same of the escape itself in `data`."""
    at = length = 0
    for found in escapes_found:
        plain, meant = data[at : found.start()], value(found)
        parts += (plain, meant)
        said += (length + len(plain), length + len(plain) + len(meant))
        stood += found.span()
        at, length = found.end(), said[-1]
    if said:
        yield b"".join([*parts, data[at:]]), lambda span: (_begin(said, stood, span[0]), _end(said, stood, span[1]))


def _begin(said: list[int], stood: list[int], place: int) -> int:
    at = bisect_right(said, place) - 1
    if at < 0:
        return place
    return stood[at] + (place - said[at] if at % 2 else 0)  # inside an escape's value: its beginning


def _end(said: list[int], stood: list[int], place: int) -> int:
    at = bisect_left(said, place)
    if at % 2:
        return stood[at]  # inside or at the end of an escape's value: its end
    return place if at == 0 else stood[at - 1] + place - said[at - 1]


def _percent(found: re.Match[bytes]) -> bytes:
    digits = found[1]
    return unhexlify(digits) if digits else b" "


def _backslash(found: re.Match[bytes]) -> bytes:
    unit, second, byte, letter = found.groups()
    if unit is not None:
        code = int(unit, 16)
        if second is None:
            return chr(code).encode("utf-8", "surrogatepass")
        if 0xD800 <= code < 0xDC00:
            return chr(0x10000 + ((code - 0xD800) << 10) + int(second, 16) - 0xDC00).encode()
        return (chr(code) + chr(int(second, 16))).encode("utf-8", "surrogatepass")
    if byte is not None:
        return unhexlify(byte)
    return _SHORT.get(letter, letter)


def _entity(found: re.Match[bytes]) -> bytes:
    return html.unescape(f"&{found[1].decode()};").encode("utf-8", "surrogatepass")
