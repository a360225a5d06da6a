"""The text that a custom tool is given, out of the arguments of the function that stands for it, while they arrive.

Models write `{"input": "…"}`. Arguments of any other form give their text once they are whole.
"""

import json
import re
from typing import Final

from addons.dialects.responses.tools import INPUT
from providers.formats.jsontext import INVALID, loads

_BEGINNING: Final = re.compile(rf'\s{{0,99}}\{{\s{{0,99}}"{INPUT}"\s{{0,99}}:\s{{0,99}}"')
_BEGINNING_CHARS: Final = 400
_PLAIN: Final = re.compile(r'[^"\\]+')
_ESCAPE_CHARS: Final = 6
"""The longest escape: `\\u` and four digits."""


class InputText:
    """`feed` gives what a fragment adds to the text; `rest`, at the end, what has not come by then."""

    __slots__ = ("_all", "_begun", "_ended", "_waiting")

    def __init__(self) -> None:
        self._all: list[str] = []
        self._waiting = ""
        """What was not read yet: the beginning, half an escape."""
        self._begun = self._ended = False

    def feed(self, fragment: str) -> str:
        if not self._begun:
            self._all.append(fragment)
        if self._ended:
            return ""
        self._waiting += fragment
        if not self._begun:
            found = _BEGINNING.match(self._waiting)
            if found is None:
                self._ended = len(self._waiting) > _BEGINNING_CHARS
                return ""
            self._begun, self._waiting = True, self._waiting[found.end() :]
        return self._read()

    def rest(self) -> str:
        """Nothing where the text came while the arguments did."""
        if self._begun:
            return ""
        return input_of("".join(self._all))

    def is_whole(self) -> bool:
        """Whether the arguments have come to their end."""
        if self._begun:
            return self._ended
        return loads("".join(self._all).encode("utf-8", "surrogatepass")) is not INVALID

    def _read(self) -> str:
        """The text up to its end, or to half an escape."""
        waiting, at, pieces = self._waiting, 0, []
        while at < len(waiting):
            if (plain := _PLAIN.match(waiting, at)) is not None:
                pieces.append(plain.group())
                at = plain.end()
            elif waiting[at] == '"':
                self._ended, at = True, len(waiting)
            else:
                escape = _escape_at(waiting, at)
                if not escape:
                    break
                pieces.append(_meant(escape))
                at += len(escape)
        self._waiting = waiting[at:]
        return "".join(pieces)


def _escape_at(text: str, at: int) -> str:
    """The escape that begins here; nothing where its end has not come."""
    length = _ESCAPE_CHARS if text[at + 1 : at + 2] == "u" else 2
    found = text[at : at + length]
    return found if len(found) == length else ""


def _meant(escape: str) -> str:
    """The character of an escape; one that JSON does not know stays as it is."""
    try:
        value: str = json.loads(f'"{escape}"')
    except ValueError:
        return escape
    return value


def input_of(arguments: str) -> str:
    """The text in whole arguments: `input`, else the only text among them, else the arguments as they are."""
    value = loads(arguments.encode("utf-8", "surrogatepass"))
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return arguments
    if isinstance(found := value.get(INPUT), str):
        return found
    texts = [one for one in value.values() if isinstance(one, str)]
    return texts[0] if len(texts) == 1 and len(value) == 1 else arguments
