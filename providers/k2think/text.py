"""Splitter of K2Think's text into reasoning and answer, whatever its form.

Reasoning stands in think tags (providers/shared/think_tags.py) or is drawn as a details block; the text comes in pieces
or as snapshots that grow. All of it is found out from the text itself. The model's own end marks are none of the
answer.
"""

from typing import Final

from providers.k2think.details import OPENING, DetailsBlock
from providers.k2think.marks import EndMarks
from providers.shared.cumulative import CumulativeText
from providers.shared.think_tags import ThinkTags

_BEGINNING_CHARS: Final = 64
"""Characters (and frames) after which no details block begins any more."""


class K2Text:
    """The splitter: `add` the text of each frame, get the new (reasoning, answer); `close` gives what is held.

    `eager`: a text that no tag opens is passed on as reasoning at once, which it nearly always is.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self._beginning: list[str] | None = []
        """Frames held while they may turn out to begin a details block."""
        self._block: DetailsBlock | None = None
        self._growth = CumulativeText()
        self._tags = ThinkTags(eager=eager)
        self._marks = EndMarks()
        self._apart = False
        self._last_snapshot = ""

    @property
    def conflicts(self) -> int:
        """The number of snapshots that did not go on from the one before."""
        return self._growth.conflicts + (self._block.conflicts if self._block else 0)

    @property
    def marked(self) -> bool:
        """Whether, after `close`, the answer ended with marks of the model's own, which were left out."""
        return self._marks.dropped

    @property
    def unclosed(self) -> bool:
        """Whether, after `close`, the text ended before the closing tag that its reasoning was to have."""
        return self._block is None and self._tags.unclosed

    def reasoning_apart(self) -> None:
        """Declares that reasoning comes in a field of its own: text without tags is the answer, and nothing need be
        held."""
        if not self._apart and self._beginning is not None:
            self._apart, self._tags = True, ThinkTags(implicit=False)

    def add(self, content: str, *, snapshot: bool = False) -> tuple[str, str]:
        """The new (reasoning, answer). `snapshot`: known to be the whole text so far, so that the same one again says
        nothing."""
        if not content or (snapshot and content == self._last_snapshot):
            return "", ""
        if snapshot:
            self._last_snapshot = content
        thought, said = self._begin(content) if self._beginning is not None else self._go_on(content)
        return thought, self._marks.feed(said)

    def close(self, *, complete: bool = True) -> tuple[str, str]:
        """The text still held. `complete` False: it was cut off, so what was not told apart yet is reasoning."""
        thought, said = self._replay() if self._beginning is not None else ("", "")
        if self._block is not None:
            more = self._block.close()
        else:
            flushed = self._tags.feed(self._growth.flush())
            rest = self._tags.close(complete=complete)
            more = flushed[0] + rest[0], flushed[1] + rest[1]
        said = self._marks.feed(said + more[1])
        return thought + more[0], said + self._marks.close()

    def _begin(self, content: str) -> tuple[str, str]:
        assert self._beginning is not None
        joined = "".join(self._beginning) + content
        for begun in (content, joined):
            if begun.lstrip().startswith(OPENING):
                self._beginning, self._block = None, DetailsBlock()
                return self._block.add(begun)
        self._beginning.append(content)
        candidates = (begun for begun in (content, joined) if len(begun) < _BEGINNING_CHARS)
        undecided = any(OPENING.startswith(begun.lstrip()) for begun in candidates)
        if undecided and len(self._beginning) < _BEGINNING_CHARS:
            return "", ""
        return self._replay()

    def _replay(self) -> tuple[str, str]:
        held, self._beginning = self._beginning or [], None
        parts = [self._go_on(content) for content in held]
        return "".join(thought for thought, _ in parts), "".join(said for _, said in parts)

    def _go_on(self, content: str) -> tuple[str, str]:
        if self._block is not None:
            return self._block.add(content)
        return self._tags.feed(self._growth.add(content))
