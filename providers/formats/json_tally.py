"""The cost of reading a JSON text, known before a parser sees it: its values and names, counted in linear time.

A parser makes an object of every value, so ten megabytes of `{},{},…` cost seconds and hundreds of megabytes. The count
costs 0.3 to 4 nanoseconds a byte, the more the more of it stands outside strings, and is made of C calls over slices,
between which others may have a turn.
"""

from typing import Final

SLICE_BYTES: Final = 256 * 1024
"""What is counted at once: 1 ms at most, or 2 ms for a slice of nothing but quotes."""

DIGITS_LIMIT: Final = 400
"""Digits in a row that no number needs (one that a slice ends in may have twice as many): the largest float has 309."""
_DIGITS: Final = bytes(48 if chr(c).isdecimal() else 32 for c in range(256))
_LONG_NUMBER: Final = b"0" * (DIGITS_LIMIT + 1)
"""In a text whose digits are all noughts, and all else blanks."""


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
        if self._escape:
            piece, self._escape = self._escape + piece, b""
        if b"\\" in piece:
            piece = self._without_escapes(piece)
        parts = piece.split(b'"')
        outside = parts[1::2] if self._inside else parts[::2]
        quotes = len(parts) - 1
        self.strings += (quotes if self._inside else quotes + 1) // 2
        self._inside ^= quotes % 2 == 1
        return outside[0] if len(outside) == 1 else b" ".join(outside)

    def _without_escapes(self, piece: bytes) -> bytes:
        """The piece without escaped quotes: no others are left in its strings. (Outside of them JSON has no escape.)"""
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:
            piece, self._escape = piece[:-1], b"\\"
        return piece.replace(b"\\\\", b"").replace(b'\\"', b"")


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
        self.long_number = self.long_number or (
            len(outside) > DIGITS_LIMIT and _LONG_NUMBER in outside.translate(_DIGITS)
        )


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
