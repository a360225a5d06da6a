"""A short way to read the frames of a stream that are as the one before but for their words: nearly all of them.

A model's words come piece by piece, each in a JSON object that is otherwise the same, byte for byte. Once such a frame
was read the long way, the next one needs no parser: what stands around its words is compared.
"""

import re
from typing import Final

from pydantic_core import from_json

_INSIDE: Final = re.compile(rb'(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*+')
"""The inside of a JSON string (RFC 8259, 7), of which a parser says whether its escapes are any."""
_VALUE: Final = re.compile(rb'[ \t]*+:[ \t]*+"')
"""What stands between a member's name and the inside of its text."""
_UNUSED_LIMIT: Final = 16
"""So many frames in a row are learnt of which none comes again: then such a stream has none that do."""


class WordFrames:
    """The reader: `learn` from a frame that was read, then `words` of those behind it."""

    __slots__ = ("_before", "_behind", "_least", "_unused", "name")

    def __init__(self) -> None:
        self.name = ""
        """The member with the words, of the frame that was learnt."""
        self._before = b""
        """What a frame begins with, down to the quote before its words; empty while none is known."""
        self._behind = b""
        self._least = 0
        self._unused = 0

    @property
    def learns(self) -> bool:
        """Whether it is worth looking at a frame that was read the long way."""
        return self._unused < _UNUSED_LIMIT

    def words(self, frame: bytes) -> str | None:
        """The words of a frame that is otherwise as the one that was learnt; None where it has to be read.

        They are what a parser gives; text that it would not take is left to whoever reads the frame.
        """
        before = self._before
        if not before or len(frame) < self._least or not frame.startswith(before) or not frame.endswith(self._behind):
            return None
        words = frame[len(before) : len(frame) - len(self._behind)]
        if _INSIDE.fullmatch(words) is None:
            return None
        found = _text(words)
        if found is not None:
            self._unused = 0
        return found

    def learn(self, frame: bytes, name: str, words: str) -> None:
        """`frame` was read: an object in which nothing but the `words` in the member `name` may change.

        It is forgotten again where it cannot be told where they stand: the name stands twice, or a name is escaped.
        """
        self._before = b""
        self._unused += 1
        key = b'"%b"' % name.encode()
        at = frame.find(key)
        if at < 0 or frame.find(key, at + 1) >= 0 or (value := _VALUE.match(frame, at + len(key))) is None:
            return
        inside = _INSIDE.match(frame, value.end())
        assert inside is not None  # nothing is a match too
        before, behind = frame[: value.end()], frame[inside.end() :]
        if not behind.startswith(b'"') or b"\\" in before or b"\\" in behind or _text(inside[0]) != words:
            return
        self._before, self._behind, self._least, self.name = before, behind, len(before) + len(behind), name

    def forget(self) -> None:
        """The next frame is read the long way."""
        self._before = b""


def _text(inside: bytes) -> str | None:
    """The text of the inside of a JSON string."""
    try:
        if b"\\" not in inside:
            return inside.decode()
        found: str = from_json(b'"%b"' % inside)
    except ValueError:  # no UTF-8, half a surrogate pair, an escape that is none
        return None
    return found
