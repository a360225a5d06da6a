"""The cutter of one text of an answer: what is call, what is text. Pure; the outcome is the same however it was cut.

Text flows at once. It is held back from a sign on that a call may begin with, until that is decided. Blanks at the head
of the text and behind a call are held too: they are dropped where nothing but calls stands beside them.
"""

import re
from typing import Final

from addons.features.tools.judge import Judge
from addons.features.tools.marked import MarkedBlock, Sink
from addons.features.tools.toolbox import Tool

SIGNS: Final = re.compile("<")
"""What a call may begin with: text without any of it is none."""
_BLANKS: Final = re.compile(r"\s*+")
_BLANKS_LIMIT: Final = 4096
"""Of blanks that are held."""
_OPENING_CHARS: Final = 200
_OPENING: Final = re.compile(r"[^<>{\n]*+>?")
_CLOSING_CHARS: Final = 20
_CLOSING: Final = re.compile(r"\s*+>?")


class Cutter:
    """Reads a text piece by piece and tells a sink what it is. `feed` it, then `end` it."""

    __slots__ = ("_block", "_called", "_judge", "_lead", "_lead_chars", "_needle", "_pending", "_sink", "idle")

    def __init__(self, judge: Judge, sink: Sink, mark: str) -> None:
        self._judge, self._sink = judge, sink
        self._needle = f"call-{mark}"
        self._begin()

    def _begin(self) -> None:
        self._pending = ""
        """The end of the text, while it is not decided what begins there: short."""
        self._block: MarkedBlock | None = None
        self._lead: list[str] | None = []
        """Blanks that are held; None within text, where they flow."""
        self._lead_chars = 0
        self._called = False
        self.idle = False
        """Nothing is held: a piece without any sign may go out as it is."""

    def feed(self, text: str) -> None:
        text, self._pending = self._pending + text, ""
        at, end = 0, len(text)
        while at < end:
            here, block = at, self._block
            at = self._in_text(text, at) if block is None else self._in_block(block, text, at)
            if at == here and block is self._block:
                self._pending = text[at:]
                break
        self.idle = self._block is None and self._lead is None and not self._pending

    def end(self, *, complete: bool = True) -> None:
        """The text is over. Not `complete`: it was cut off, and nothing is read into what is missing."""
        if self._block is not None:
            self._block.close(self._pending, complete=complete)
        elif self._pending or (self._lead and not self._called):
            self.text(self._pending)
        self._begin()

    def forget(self) -> None:
        """All that was read is void."""
        self._begin()

    # -- what is found --------------------------------------------------------------------------------------------
    def text(self, text: str) -> None:
        if self._lead:
            text = "".join(self._lead) + text
        self._lead = None
        self._sink.text(text)

    def call(self, tool: Tool) -> None:
        self._lead, self._lead_chars, self._called = [], 0, True
        self._sink.call(tool)

    def arguments(self, fragment: str) -> None:
        self._sink.arguments(fragment)

    # -- text -----------------------------------------------------------------------------------------------------
    def _in_text(self, text: str, at: int) -> int:
        """Reads on in text; gives `at` back where more must be known."""
        if self._lead is not None:
            blanks = _end_of(_BLANKS, text, at, at + _BLANKS_LIMIT - self._lead_chars)
            if blanks > at:
                self._lead.append(text[at:blanks])
                self._lead_chars += blanks - at
                return blanks
        sign = SIGNS.search(text, at)
        if sign is None or sign.start() > at:
            stop = len(text) if sign is None else sign.start()
            self.text(text[at:stop])
            return stop
        behind = at + 1 + len(self._needle)
        if text.startswith(self._needle, at + 1):
            stop = _end_of(_OPENING, text, behind, behind + _OPENING_CHARS)
            if stop == len(text) < behind + _OPENING_CHARS and text[stop - 1] != ">":
                return at
            self._block = MarkedBlock(self._judge, self, text[at:stop])
            return stop
        if behind > len(text) and self._needle.startswith(text[at + 1 :]):
            return at
        self.text(text[at])
        return at + 1

    # -- a block --------------------------------------------------------------------------------------------------
    def _in_block(self, block: MarkedBlock, text: str, at: int) -> int:
        begin, behind, is_closing = self._tag(text, at)
        if begin > at:
            block.feed(text, at, begin)
            return begin
        if behind < 0:
            return at
        stop = _end_of(_CLOSING, text, behind, behind + _CLOSING_CHARS) if is_closing else at
        if is_closing and stop == len(text) < behind + _CLOSING_CHARS and text[stop - 1] != ">":
            return at
        block.close(text[at:stop])
        self._block = None
        return stop

    def _tag(self, text: str, at: int) -> tuple[int, int, bool]:
        """Where the next tag of ours begins, where its name ends, whether it is a closing one.

        Without any: the length of the text. One that may begin at the end of the text has -1 for the end of its name.
        """
        found = text.find(self._needle, at)
        while found >= 0:
            closing = found - 2 >= at and text.startswith("</", found - 2)
            if closing or (found - 1 >= at and text[found - 1] == "<"):
                return found - 1 - closing, found + len(self._needle), closing
            found = text.find(self._needle, found + 1)
        last = text.rfind("<", max(at, len(text) - len(self._needle) - 1))
        if last >= 0 and (f"<{self._needle}".startswith(text[last:]) or f"</{self._needle}".startswith(text[last:])):
            return last, -1, False
        return len(text), -1, False


def _end_of(pattern: re.Pattern[str], text: str, at: int, limit: int) -> int:
    """Where a pattern that always matches ends, from `at` on and not beyond `limit`."""
    found = pattern.match(text, at, limit)
    return found.end() if found is not None else at
