"""Finder of JSON in the text of a model: objects as they come to their end, and what can still be told at the end.

Pure, linear, and the same at every cut.
"""

import re
from collections.abc import Iterator
from itertools import islice
from json import JSONDecoder
from typing import Any, Final

from addons.features.broken_json import read_json
from providers.formats.jsontext import INVALID, loads, past_blanks

_INSIDE: Final = re.compile(r'["{}\[\]]')
_OF_STRING: Final = re.compile(r'["\\]')
_OBJECT: Final = re.compile(r"<think>|\{")
_OBJECT_OR_LIST: Final = re.compile(r"<think>|[{\[]")
_THINK: Final = "<think>"
_THINK_END: Final = "</think>"
_FENCED: Final = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
_OF_OBJECT: Final = re.compile(r"""\{\s*(?:\}|["'“”‘’]?[\w$][\w$ .-]{0,63}["'“”‘’]?\s*:)""")
"""How an object begins, with whatever quotes; a set in prose does not."""
_BRACE: Final = re.compile(r"\{")
_BRACKET: Final = re.compile(r"[{\[]")
_BEGINNINGS: Final = 32
"""Places at which a text is looked at once more at its end."""
_MENDED_CHARS: Final = 32 * 1024
"""Of one answer: some 0.2 seconds."""
_DECODER: Final = JSONDecoder()


class JsonFinder:
    """Finds whole objects (with `lists`, lists too) in text that comes in pieces. Thoughts in tags are passed over."""

    def __init__(self, *, lists: bool) -> None:
        self._opening = _OBJECT_OR_LIST if lists else _OBJECT
        self._found: list[str] = []
        """What has come of the one that is open."""
        self._depth = 0
        self._fresh = False
        """Right behind the bracket of an object, where only a name or its end makes sense."""
        self._escaped = self._thinking = self._ended = False
        self.in_string = False
        self._held = ""
        """The end of a piece, which may be the beginning of a tag."""

    @property
    def is_open(self) -> bool:
        """Whether something has begun that has not come to its end."""
        return self._depth > 0

    def feed(self, text: str) -> Iterator[tuple[str, str]]:
        """What has come to its end in this piece, each with the rest of the piece behind it."""
        text, self._held = self._held + text, ""
        at = begun = 0
        while at < len(text):
            if self._thinking:
                at = self._past_thoughts(text, at)
            elif not self._depth:
                at = self._past_words(text, at)
                begun = at - 1
            else:
                at = self._begin(text, at) if self._fresh else self._step(text, at)
                if self._ended:
                    found, self._found, self._ended = [*self._found, text[begun:at]], [], False
                    yield "".join(found), text[at:]
        if self._depth:
            self._found.append(text[begun:])

    def _past_thoughts(self, text: str, at: int) -> int:
        end = text.find(_THINK_END, at)
        if end >= 0:
            self._thinking = False
            return end + len(_THINK_END)
        self._held = text[max(at, len(text) - len(_THINK_END) + 1) :]
        return len(text)

    def _past_words(self, text: str, at: int) -> int:
        """Behind the next bracket or tag that begins something, or the end."""
        if (found := self._opening.search(text, at)) is None:
            tag = text.rfind("<", max(at, len(text) - len(_THINK) + 1))
            if tag >= 0 and _THINK.startswith(text[tag:]):
                self._held = text[tag:]
            return len(text)
        if found.group() == _THINK:
            self._thinking = True
        else:
            self._depth, self._fresh = 1, found.group() == "{"
        return found.end()

    def _begin(self, text: str, at: int) -> int:
        """Past the blanks behind a bracket. One that no name follows, nor its end, begins nothing."""
        at = past_blanks(text, at)
        if at < len(text):
            self._fresh = False
            if text[at] not in '"}':
                self._depth, self._found = 0, []
        return at

    def _step(self, text: str, at: int) -> int:
        """Goes on in what is open, at most to its end."""
        if self.in_string:
            return self._step_in_string(text, at)
        if (found := _INSIDE.search(text, at)) is None:
            return len(text)
        match found.group():
            case '"':
                self.in_string = True
            case "{" | "[":
                self._depth += 1
            case _:
                self._depth -= 1
                self._ended = not self._depth
        return found.end()

    def _step_in_string(self, text: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        if (found := _OF_STRING.search(text, at)) is None:
            return len(text)
        self._escaped = found.group() == "\\"
        self.in_string = self._escaped
        return found.end()


def values_in(text: str, *, lists: bool, cut: bool) -> Iterator[Any]:
    """The values that a whole text may be meant to say, the likeliest first. With `cut` it may lack its end."""
    text = text.rpartition(_THINK_END)[2].strip()
    if (value := loads(text.encode("utf-8", "surrogatepass"))) is not INVALID:
        yield value
    mending = _Mending()
    for fenced in islice(_FENCED.finditer(text), _BEGINNINGS):
        yield from mending.values(fenced.group(1).strip())
    begins = list(islice(_beginnings(text, lists=lists), _BEGINNINGS))
    yield from (value for at in begins if (value := _decoded(text, at)) is not INVALID)
    if begins:
        end = max(text.rfind("}"), text.rfind("]") if lists else -1) + 1
        yield from mending.values(text[begins[0] : end])
        yield from mending.values(text[begins[0] :] if cut else "")


def beginning(text: str, *, lists: bool) -> int | None:
    """Where JSON begins in a text."""
    return next(_beginnings(text, lists=lists), None)


def _beginnings(text: str, *, lists: bool) -> Iterator[int]:
    places = ((found.start(), found.group()) for found in (_BRACKET if lists else _BRACE).finditer(text))
    return (at for at, sign in places if sign == "[" or _OF_OBJECT.match(text, at))


class _Mending:
    """Reads JSON that is broken, within bounds for one answer: that takes time."""

    def __init__(self) -> None:
        self._room = _MENDED_CHARS

    def values(self, text: str) -> Iterator[Any]:
        if text and len(text) <= self._room:
            self._room -= len(text)
            if (value := read_json(text)) is not None:
                yield value


def _decoded(text: str, at: int) -> Any:
    try:
        return _DECODER.raw_decode(text, at)[0]
    except (ValueError, RecursionError):
        return INVALID
