"""The attributes of a tag, up to its end, as HTML has them: quoted, bare, or none. Pure."""

import html
import re
from typing import Final

HEAD_CHARS: Final = 300
"""Of an attribute's name with what is around it, and of a value without quotes."""
TAG_END: Final = re.compile(r"\s*+(/?)>")
_ATTRIBUTE: Final = re.compile(r"\s*+(?:([\w.:\-]{0,100}+)\s*+=\s*+)([\"']|[^\s\"'>/]++)")
_BARE: Final = re.compile(r"\s*+([\w.:\-]{1,100}+)(?=[/>]|\s++[^\s=])")


class TagAttributes:
    """Reads them piece by piece, from behind the tag's name on."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        """By name, entities undone; that of `<function=x>` has none."""
        self.over = False
        """The tag has ended."""
        self.closed = False
        """It says that nothing stands in it (`/>`)."""
        self.failed = False
        """It is no tag."""
        self._name = ""
        self._quote = ""
        self._pieces: list[str] = []

    def feed(self, text: str, at: int, end: int) -> int:
        """Reads `text` from `at` up to `end`; gives how far it came. What is left is fed once more, with more."""
        while at < end and not (self.over or self.failed):
            before = at
            at = self._in_value(text, at, end) if self._quote else self._read(text, at, end)
            if at == before:
                break
        return at

    def _read(self, text: str, at: int, end: int) -> int:
        limit = min(end, at + HEAD_CHARS)
        if stop := TAG_END.match(text, at, limit):
            self.over, self.closed = True, bool(stop[1])
            return stop.end()
        if found := _ATTRIBUTE.match(text, at, limit):
            if found[2] in "\"'":
                self._name, self._quote, self._pieces = found[1], found[2], []
                return found.end()
            if found.end() == limit == end and end - at < HEAD_CHARS:
                return at
            self.values[found[1]] = html.unescape(found[2])
            return found.end()
        if bare := _BARE.match(text, at, limit):
            self.values[bare[1]] = "true"
            return bare.end()
        self.failed = end - at >= HEAD_CHARS or not set(text[at:end]).isdisjoint("<{\"'")
        return at

    def _in_value(self, text: str, at: int, end: int) -> int:
        stop = text.find(self._quote, at, end)
        self._pieces.append(text[at : end if stop < 0 else stop])
        if stop < 0:
            return end
        self.values[self._name] = html.unescape("".join(self._pieces))
        self._quote = ""
        return stop + 1
