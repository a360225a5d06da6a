"""Where a JSON object or list ends that comes in pieces. Linear in the text; no parser has to wait for the whole."""

import re
from typing import Final

_NO_JSON: Final = 1 << 30
_IN_STRING: Final = re.compile(r'[\\"]')
_LEAD: Final = re.compile(r"\s*(\S)")
_OUTSIDE: Final = re.compile(r'["{}\[\]]')


class JsonEnd:
    """`read` the pieces of one value. Text that begins with neither { nor [ has no end that could be seen."""

    __slots__ = ("_depth", "_escaped", "_in_string", "begun", "ended")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self.begun = False
        self.ended = False

    @property
    def inside(self) -> bool:
        """In the middle of an object or a list."""
        return self.begun and not self.ended and self._depth < _NO_JSON

    def read(self, piece: str, at: int = 0) -> int:
        """Where in `piece`, read from `at` on, the value ends; its length when it goes on behind it."""
        if not self.begun:
            lead = _LEAD.match(piece, at)
            if lead is None:
                return len(piece)
            self.begun = True
            if lead[1] not in "{[":
                self._depth = _NO_JSON  # whatever this is, brackets in it tell nothing
        if self._escaped and at < len(piece):
            self._escaped = False
            at += 1
        while found := (_IN_STRING if self._in_string else _OUTSIDE).search(piece, at):
            at = found.end()
            char = found[0]
            if char == '"':
                self._in_string = not self._in_string
            elif char == "\\":
                self._escaped = at == len(piece)
                at += 1
            elif char in "{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    self.ended = True
                    return at
        return len(piece)
