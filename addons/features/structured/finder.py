"""Finder of JSON in the text of a model: objects as they come to their end, and what can still be told at the end.

Pure, linear, and the same at every cut.
"""

import re
from collections.abc import Iterator
from itertools import islice
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final

from addons.features.broken_json import read_json
from providers.formats.jsontext import INVALID, loads

_INSIDE: Final = re.compile(r'["{}\[\]]')
_OF_STRING: Final = re.compile(r'["\\]')
_OPENING: Final = re.compile(r"<think>|[{\[]")
_THINK: Final = "<think>"
_THINK_END: Final = "</think>"
_FENCED: Final = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
_OF_OBJECT: Final = re.compile(r"""\{\s*(?:\}|["'“”‘’]?[\w$][\w$ .-]{0,63}["'“”‘’]?\s*:)""")
_OF_LIST: Final = re.compile(r"""\[\s*(?:[\]"'“”‘’{\[\d-]|[Tt]rue\b|[Ff]alse\b|null\b|None\b)""")
"""How an object and a list begin, with whatever quotes; a set or a remark in prose does not."""
_BRACKET: Final = re.compile(r"[{\[]")
_BEGINNINGS: Final = 32
"""Places at which a text is looked at once more at its end."""
_ROOM: Final = 4
"""So often is a whole text read for them."""
_MENDED_CHARS: Final = 32 * 1024
"""Of one answer: some 0.2 seconds."""
_DECODER: Final = JSONDecoder()


class JsonFinder:
    """Finds what stands in brackets, from the outermost to its end, in text that comes in pieces: JSON, if it is any.

    Thoughts in tags are passed over.
    """

    def __init__(self) -> None:
        self._found: list[str] = []
        """What has come of the one that is open."""
        self._depth = 0
        self._escaped = self._thinking = self._ended = False
        self.in_string = False
        self._held = ""
        """The end of a piece, which may be the beginning of a tag."""

    def feed(self, text: str) -> Iterator[tuple[str, int]]:
        """What has come to its end in this piece, each with how many characters of the piece stand behind it."""
        text, self._held = self._held + text, ""
        at = begun = 0
        while at < len(text):
            if self._thinking:
                at = self._past_thoughts(text, at)
            elif not self._depth:
                at = self._past_words(text, at)
                begun = at - 1
            else:
                at = self._step(text, at)
                if self._ended:
                    found, self._found, self._ended = [*self._found, text[begun:at]], [], False
                    yield "".join(found), len(text) - at
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
        if (found := _OPENING.search(text, at)) is None:
            tag = text.rfind("<", max(at, len(text) - len(_THINK) + 1))
            if tag >= 0 and _THINK.startswith(text[tag:]):
                self._held = text[tag:]
            return len(text)
        if found.group() == _THINK:
            self._thinking = True
        else:
            self._depth = 1
        return found.end()

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


def values_in(text: str, *, cut: bool) -> Iterator[Any]:
    """The values that a whole text may be meant to say, the likeliest first. With `cut` it may lack its end."""
    text = text.rpartition(_THINK_END)[2].strip()
    if (value := loads(text.encode("utf-8", "surrogatepass"))) is not INVALID:
        yield value
        return
    mending = _Mending()
    for fenced in islice(_FENCED.finditer(text), _BEGINNINGS):
        yield from mending.values(fenced.group(1).strip())
    room, behind, closer = _ROOM * len(text), 0, max(text.rfind("}"), text.rfind("]")) + 1
    for at in islice(_beginnings(text), _BEGINNINGS):
        if at < behind:
            continue  # it is a part of what was told before
        if room < 0:
            return
        value, end = _decoded(text, at)
        room -= end - at
        if value is not INVALID:
            behind = end
            yield value
            continue
        yield from mending.values(text[at:closer])
        yield from mending.values(text[at:] if cut and closer < len(text) else "")


def beginning(text: str, *, lists: bool) -> int | None:
    """Where an object, or with `lists` a list, begins in a text."""
    return next((at for at in _beginnings(text) if lists or text[at] == "{"), None)


def _beginnings(text: str) -> Iterator[int]:
    places = (found.start() for found in _BRACKET.finditer(text))
    return (at for at in places if (_OF_LIST if text[at] == "[" else _OF_OBJECT).match(text, at))


class _Mending:
    """Reads JSON that is broken, within bounds for one answer: that takes time."""

    def __init__(self) -> None:
        self._room = _MENDED_CHARS

    def values(self, text: str) -> Iterator[Any]:
        if text and len(text) <= self._room:
            self._room -= len(text)
            if (value := read_json(text)) is not None:
                yield value


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins there, and where it ends, or is broken."""
    try:
        return _DECODER.raw_decode(text, at)
    except JSONDecodeError as error:
        return INVALID, max(at, error.pos)
    except (ValueError, RecursionError):
        return INVALID, len(text)
