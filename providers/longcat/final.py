"""The text LongCat calls final, wherever it stands, and what of it the client has not got. Pure.

The field is `finalContent` or `finalContentX`, by the readers of the site in the event of the end; no recording tells
whether it stands elsewhere too, so that any event and the frame around it are looked at. Last comes what the event of
the end has for content of its own.
"""

from collections.abc import Mapping
from typing import Any, Final

_NAMES: Final = ("finalContentX", "finalContent")
_OF_THE_END: Final = "content"
_PARTS: Final = ("text", "content")
_DEPTH: Final = 3


class FinalText:
    """Collector of final texts: `add` every frame and event; `found` gives the newest of each name, the likeliest
    first."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def add(self, holder: Mapping[str, Any], *, end: bool = False) -> None:
        """Takes the texts of a frame or event. `end`: it is the event that ends the answer."""
        for name in (*_NAMES, _OF_THE_END) if end else _NAMES:
            if name in holder and (words := text_of(holder[name])).strip():
                self._found[name] = words

    @property
    def found(self) -> list[str]:
        return list(dict.fromkeys(self._found[name] for name in (*_NAMES, _OF_THE_END) if name in self._found))


def text_of(value: Any, depth: int = _DEPTH) -> str:
    """The text of a string, of an object that holds one, or of a list of such."""
    if isinstance(value, str):
        return value
    if depth and isinstance(value, list):
        return "".join(text_of(part, depth - 1) for part in value)
    if depth and isinstance(value, dict):
        return next((words for name in _PARTS if (words := text_of(value.get(name), depth - 1))), "")
    return ""


def missing(final: str, delivered: str) -> str:
    """The text to add to `delivered` so that all of `final` has been: white space between words does not count."""
    if final.startswith(delivered):
        return final[len(delivered) :]
    whole, before = _squeezed(final), _squeezed(delivered)
    if whole in before:
        return ""
    if whole.startswith(before):
        return final[_end_of(len(before), final) :]
    return "\n\n" + final


def differs(final: str, delivered: str) -> bool:
    """Whether they differ in more than white space and how far they go."""
    return not final.startswith(delivered) and not _squeezed(final).startswith(_squeezed(delivered))


def _end_of(count: int, text: str) -> int:
    """The index where the first `count` characters end that are no white space. By halves: the text is read once in
    all."""
    begin, end = 0, len(text)
    while end - begin > 1:
        middle = (begin + end) // 2
        inside = len(_squeezed(text[begin:middle]))
        if inside < count:
            begin, count = middle, count - inside
        else:
            end = middle
    return end if count else begin


def _squeezed(text: str) -> str:
    return "".join(text.split())
