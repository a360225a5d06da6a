"""The cost of reading a JSON text, known before a parser sees it: its values and names, counted in linear time.

A parser makes an object of every value, so ten megabytes of `{},{},…` cost seconds and hundreds of megabytes. The count
costs 2 to 4 nanoseconds a byte (10 MB: 30 ms) and is made of C calls over slices, between which others may have a turn.
"""

import re
from typing import Final

SLICE_BYTES: Final = 256 * 1024
"""What is counted at once: 1 ms, or 10 ms for a slice of nothing but quotes."""

# Strings are matched whole and possessively, their closing quote optional: one that never ends is passed once, not
# once for each quote in it.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_REST_OF_STRING: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)

DIGITS_LIMIT: Final = 400
"""Digits in a row that no number needs (one that a slice ends in may have twice as many): the largest float has 309."""
_LONG_NUMBER: Final = re.compile(rb"(?<!\d)\d{%d}" % (DIGITS_LIMIT + 1))


class OutsideStrings:
    """Splitter that gives the parts of a JSON text outside its strings; `feed` the pieces in order, cut anywhere."""

    __slots__ = ("_escape", "_inside", "strings")

    def __init__(self) -> None:
        self.strings = 0
        self._inside = False
        self._escape = b""
        """The backslash at the end of a piece, whose other half comes with the next one."""

    def fork(self) -> "OutsideStrings":
        """A copy at the same place of the text."""
        other = OutsideStrings()
        other.strings, other._inside, other._escape = self.strings, self._inside, self._escape
        return other

    def feed(self, piece: bytes) -> bytes:
        piece = self._escape + piece
        self._escape = b""
        at = 0
        if self._inside:
            rest = _REST_OF_STRING.match(piece)
            assert rest  # it matches the empty text too
            at = rest.end()
            if not rest[1]:
                self._escape = piece[at:]
                return b""
            self._inside = False
        parts = _STRING.split(piece[at:] if at else piece)  # text, closing quote, text, closing quote … text
        if len(parts) > 1 and not parts[-2]:
            self._inside = True
            self._escape = parts.pop()
        self.strings += len(parts) // 2
        return parts[0] if len(parts) == 1 else b" ".join(parts[::2])


class JsonTally:
    """Counter of a JSON text's values; `feed` the pieces in order, cut anywhere. Of other text it counts what it
    can."""

    def __init__(self) -> None:
        self.names = 0
        """Members of objects, a name that stands twice counted twice."""
        self.long_number = False
        """A number has more digits than DIGITS_LIMIT: to read or write a whole one takes the square of its length."""
        self._values = 1
        self._outside = OutsideStrings()

    @property
    def values(self) -> int:
        """The number of values of every kind, the outermost one too; an empty list or object counts twice. No JSON has
        less."""
        return max(self._values, self._outside.strings // 2)

    def feed(self, piece: bytes) -> None:
        outside = self._outside.feed(piece)
        self._values += outside.count(b",") + outside.count(b"[") + outside.count(b"{")
        self.names += outside.count(b":")
        self.long_number = self.long_number or _LONG_NUMBER.search(outside) is not None


def holds_more(text: bytes, values: int) -> bool:
    """Whether `text` holds more than so many JSON values. A short text, which cannot, is not looked at."""
    if len(text) < 2 * values:
        return False
    tally = JsonTally()
    for at in range(0, len(text), SLICE_BYTES):
        tally.feed(text[at : at + SLICE_BYTES])
        if tally.values > values or tally.long_number:
            return True
    return False
