"""Finder of the end of a JSON object or list that comes in pieces. Linear; no parser has to wait for the whole.

Brackets outside of strings are counted by C calls over a stretch at a time. Only the one stretch in which the value
ends is looked at more closely, by halves.
"""

import re
from itertools import accumulate
from typing import Final

from providers.formats.json_tally import OutsideStrings

_LEAD: Final = re.compile(r"\s*(\S)")
_FIRST_CHARS: Final = 256
_MOST_CHARS: Final = 256 * 1024
"""Stretches grow, so that a short value in front of a long text costs no more than itself."""
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))
_STEPS: Final = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
"""A bracket to the levels it goes down, as a signed byte."""


class JsonEnd:
    """The finder: `read` the pieces of one value. Text that begins with neither { nor [ has no end that could be
    seen."""

    __slots__ = ("_depth", "_outside", "_sees", "begun", "ended")

    def __init__(self) -> None:
        self._depth = 0
        self._outside = OutsideStrings()
        self._sees = True
        self.begun = False
        self.ended = False

    @property
    def inside(self) -> bool:
        """Whether the value is in the middle of an object or a list."""
        return self.begun and not self.ended and self._sees

    def read(self, piece: str, at: int = 0) -> int:
        """The index in `piece`, read from `at` on, where the value ends; its length when it goes on behind it."""
        if not self.begun:
            lead = _LEAD.match(piece, at)
            if lead is None:
                return len(piece)
            self.begun = True
            self._sees = lead[1] in "{["  # brackets in whatever else this is tell nothing
        size = _FIRST_CHARS
        while self._sees and at < len(piece):
            stretch = piece[at : at + size].encode("latin-1", "replace")  # a byte for each character
            if not self._goes_on(stretch):
                self.ended = True
                return at + self._end_in(stretch)
            at += size
            size = min(2 * size, _MOST_CHARS)
        return len(piece)

    def _end_in(self, stretch: bytes) -> int:
        """How much of a stretch, in which the value ends, belongs to it."""
        at = len(stretch.rstrip()) - 1
        if self._goes_on(stretch[:at]):  # nothing but blanks behind it: the usual case
            return at + 1
        at = 0
        while len(stretch) > 1:
            half = stretch[: len(stretch) // 2]
            if self._goes_on(half):
                at += len(half)
                half = stretch[len(half) :]
            stretch = half
        return at + 1

    def _goes_on(self, stretch: bytes) -> bool:
        """Whether the value goes on behind all of the stretch, which has then been read; else nothing has."""
        outside = self._outside.fork()
        steps = memoryview(outside.feed(stretch).translate(_STEPS, _NO_BRACKETS)).cast("b")
        if steps:
            if self._depth + min(accumulate(steps)) <= 0:
                return False
            self._depth += sum(steps)
        self._outside = outside
        return True
