"""Filter of the closing think tags that stray at the head of a Z.AI answer (GLM-5.2, 2026-07)."""

import re
from typing import Final

_STRAY: Final = "</think>"
_STRAYS: Final = re.compile(rf"(?:\s*+{_STRAY})*+")
_HELD_LIMIT: Final = 64
"""Blanks before the tag that are waited for."""


class StrayTagFilter:
    """The filter: `feed` the pieces of the answer, get them without stray tags at their head; `rest` gives what was
    held."""

    def __init__(self) -> None:
        self._held = ""
        self._dropped = False
        self._over = False

    def feed(self, piece: str) -> str:
        """The piece without stray tags; empty while all there is may still be a tag, or part it from the words."""
        if self._over:
            return piece
        found = self._held + piece
        if strays := _strays(found):
            found, self._dropped = found[strays:], True
        lead = found.lstrip()
        if self._dropped:
            found = found.lstrip("\n")
        if len(found) < _HELD_LIMIT and _STRAY.startswith(lead):
            self._held = found
            return ""
        self._held, self._over = "", True
        return found

    def rest(self) -> str:
        """The text that was held and is no tag after all, at the end of the answer."""
        held, self._held, self._over = self._held, "", True
        return held


def _strays(text: str) -> int:
    """Where the tags at the head of a text end, all of them at once: a hostile frame is nothing else."""
    found = _STRAYS.match(text)
    return found.end() if found is not None else 0
