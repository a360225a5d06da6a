"""Text in which nothing is a call: code in fences and between back ticks, envelopes with another request's mark."""

import re
from collections.abc import Sequence
from typing import Final

from addons.features.tools.forms.block import SaidThere

FENCE: Final = "```"
FOREIGN: Final = "call-"
"""Begins the name of a tag like ours."""


class Quoting:
    """A block of text up to a sign, and with it. `begun` is how the sign may begin at the end of a piece."""

    def __init__(self, until: re.Pattern[str], begun: re.Pattern[str] | None = None) -> None:
        self.over = False
        self.is_text = True
        self._until, self._begun = until, begun

    def feed(self, text: str, at: int, end: int) -> int:
        found = self._until.search(text, at, end)
        if found is not None:
            self.over = True
            return found.end()
        begun = self._begun.search(text, max(at, end - _SIGN_CHARS), end) if self._begun is not None else None
        return end if begun is None else begun.start()

    def calls(self, *, complete: bool) -> Sequence[SaidThere]:
        return ()


_SIGN_CHARS: Final = 80
_FENCE_END: Final = re.compile(FENCE)
_FENCE_BEGUN: Final = re.compile(r"`{1,2}\Z")
_INLINE_END: Final = re.compile("[`\n]")
_FOREIGN_END: Final = re.compile(r"</call-[^<>\n]{0,64}>", re.IGNORECASE)
_FOREIGN_BEGUN: Final = re.compile(r"<(?:/[^<>\n]{0,70})?\Z")


def in_fence() -> Quoting:
    """What stands behind the opening of a fence."""
    return Quoting(_FENCE_END, _FENCE_BEGUN)


def inline() -> Quoting:
    """What stands behind a back tick, up to the next or the line's end."""
    return Quoting(_INLINE_END)


def foreign() -> Quoting:
    """What stands behind the head of an envelope that bears the mark of another request, or none that was given."""
    return Quoting(_FOREIGN_END, _FOREIGN_BEGUN)
