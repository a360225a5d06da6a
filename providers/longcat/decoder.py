"""The decoder of LongCat's answers: the V2 event frames, and the older choices frames (longcat/frames.py).

Whether text comes as pieces or as snapshots is decided once per stream and kind (providers/shared/cumulative.py). The
end is an event of type finish or `lastOne: true`; a FINISHED status ends only its own event.

Where thinking was asked for and no search, and no event of the thinking itself (think, reason, summary) came, content
events are opening remarks, that is thinking; the answer is what the finish event calls final. So three independent
readers of the site have it (any2api 2026-08, longcat2api 2026-07, buyi06); no recording is public.
"""

from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Citation, Event, FinishReason, Reasoning, Text, Usage
from providers.formats.jsontext import mapping, text
from providers.longcat.errors import json_error, number
from providers.longcat.final import FinalText, differs, missing, text_of
from providers.longcat.frames import OldFrames, read_results, read_usage
from providers.shared.citations import Sources
from providers.shared.cumulative import CumulativeText
from providers.shared.frames import FrameDecoder

_THINKING: Final = frozenset({"reason", "think"})
_SEARCHES: Final = frozenset({"search", "common_search", "general_search", "local_life_search"})
_SILENT: Final = frozenset({"create"})
_ERRORS: Final = frozenset({"event_error", "eventError"})
CHECK_LIMIT_CHARS: Final = 1024 * 1024
"""Answers longer than this are not kept for the check against the whole answer at the end."""


class LongCatDecoder(FrameDecoder):
    """The Decoder (providers/contract/operation.py) of one answer."""

    site = "LongCat"
    bare_json = True

    def __init__(self, *, remarks: bool = False) -> None:
        """`remarks`: content events may be opening remarks: thinking was asked for, and no search."""
        super().__init__()
        self._remarking = remarks
        self._remarks: list[str] = []
        self._answer = CumulativeText()
        self._thought = CumulativeText()
        self._old = OldFrames()
        self._final = FinalText()
        self._sent: list[str] = []
        self._kept_chars = 0
        self._sources = Sources()
        self._usage: Usage | None = None
        self._totals: Usage | None = None
        """The frame's own `tokenInfo`, for want of a better count."""
        self._filtered = False
        self._thoughtful = self._answered = False

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        if frame.get("sensitive") is True:
            self._filtered = True
        if "tokenInfo" in frame:
            self._totals = read_usage(mapping(frame["tokenInfo"])) or self._totals
        self._final.add(frame)
        event = frame.get("event")
        last = frame.get("lastOne") is True
        if isinstance(event, dict):
            self._event(event, out)
        elif number(frame.get("code")) or mapping(frame.get("customData")):
            self._fail(json_error(frame), out)
        elif "choices" in frame or "content" in frame:
            self._old_frame(frame, out, last=last)
        elif not last:
            self._count_unknown("frame")
        if last:
            self._finish(out)

    def _event(self, event: dict[str, Any], out: list[Event]) -> None:
        kind, content = text(event.get("type")), event.get("content")
        self._final.add(event, end=kind == "finish")
        if kind == "content" and (words := _written(content)) is not None:
            self._content(self._answer.add(words), out)
        elif kind in _THINKING and (words := _written(content)) is not None:
            self._remarking = False
            self._think(self._thought.add(words), out)
        elif kind in _SEARCHES:
            self._remarking = False
            self._found(content)
        elif kind == "finish":
            self._usage = read_usage(mapping(event.get("usage"))) or self._usage
            self._filtered = self._filtered or event.get("finishType") == "sensitive"
            self._finish(out)
        elif kind in _ERRORS:
            self._fail(json_error(event), out)
        elif kind == "summary":
            self._remarking = False
        elif kind not in _SILENT:
            self._count_unknown(f"event {kind[:40]}")

    def _old_frame(self, frame: dict[str, Any], out: list[Event], *, last: bool) -> None:
        thought, said = self._old.read(frame)
        self._think(thought, out)
        self._emit(said, out)
        if (results := self._old.results(frame)) is not None:
            self._found(results)
        if last:
            self._final.add(frame, end=True)

    # -- pieces ---------------------------------------------------------------------------------------------------
    def _content(self, new: str, out: list[Event]) -> None:
        if not self._remarking:
            self._emit(new, out)
            return
        self._think(new, out)
        self._kept_chars += len(new)
        if self._kept_chars <= CHECK_LIMIT_CHARS:
            self._remarks.append(new)

    def _emit(self, new: str, out: list[Event]) -> None:
        if new:
            self._answered = True
            out.append(Text(new))
            self._kept_chars += len(new)
            if self._kept_chars <= CHECK_LIMIT_CHARS:
                self._sent.append(new)
            else:
                self._sent.clear()

    def _think(self, new: str, out: list[Event]) -> None:
        if new:
            self._thoughtful = True
            out.append(Reasoning(new))

    def _found(self, content: Any) -> None:
        for url, title in read_results(content):
            self._sources.add(url, title)

    def _emit_final(self, out: list[Event]) -> None:
        """What the site calls final and the client has not got is said; what differs is counted.

        What stands nowhere in what was said comes after it as a paragraph of its own.
        """
        if self._answered and self._kept_chars > CHECK_LIMIT_CHARS:
            return
        said, finals = "".join(self._sent), self._final.found
        if any(differs(final, said) for final in finals):
            self._count_unknown("finalContentX differs")
        for final in finals:
            self._emit(missing(final, said), out)
            said = "".join(self._sent)

    def _cut_off(self, out: list[Event]) -> None:
        self._emit_final(out)

    def _finish(self, out: list[Event]) -> None:
        """An end mark. Without a word of the answer it is a fault of the site, no empty success; unless filtered."""
        if self._over:
            return
        self._emit_final(out)
        if not self._answered and not self._filtered:  # nothing was called final: the remarks are all there is
            if self._kept_chars > CHECK_LIMIT_CHARS:  # not all of them are kept: no half answer that looks whole
                message = "LongCat ended very long thinking without naming an answer."
                self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, message), out)
                return
            self._emit("".join(self._remarks), out)
        if self._answered or self._filtered:
            super()._finish(out)
        else:
            done = "thought and ended without a word of an answer" if self._thoughtful else "ended without a word"
            error = ProviderError(ErrorKind.PROVIDER_DOWN, f"LongCat {done}. Try again.")
            self._fail(error, out, thought_alone=self._thoughtful)

    def _end(self, out: list[Event]) -> FinishReason:
        out += [Citation(source.url, source.title) for source in self._sources]
        if usage := self._usage or self._totals:
            out.append(usage)
        return "content_filter" if self._filtered else "stop"


def _written(content: Any) -> str | None:
    """The words of an event; None where it holds something else."""
    words = text_of(content)
    return words if words or isinstance(content, str) else None
