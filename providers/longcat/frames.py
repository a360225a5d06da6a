"""Reader of parts of LongCat's frames: search results, token counts, and the choices frames of 2025."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.contract.events import Usage
from providers.formats.jsontext import EVENT_VALUES, loads, mapping, text, whole
from providers.shared.cumulative import CumulativeText

_MOST: Final = 2**53
"""Beyond it a number is no count, and no JSON reader agrees on it."""
_COUNTS: Final = (("inputTokens", "promptTokens"), ("outputTokens", "completionTokens"), ("totalTokens",))


def read_usage(counts: Mapping[str, Any]) -> Usage | None:
    """An event's `usage` or a frame's `tokenInfo`; None where nothing is counted (`hasTokens` false, all zero)."""
    prompt, completion, total = (_count(counts, names) for names in _COUNTS)
    if prompt is None or completion is None or counts.get("hasTokens") is False or not (prompt or completion):
        return None
    return Usage(prompt, completion, prompt + completion if total is None else total)


def _count(counts: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    found = (whole(counts.get(name)) for name in names)
    return next((count for count in found if count is not None and 0 <= count <= _MOST), None)


def read_results(content: Any) -> Iterator[tuple[str, str]]:
    """(url, title) of search results: a list, an object with `resultList`, or either as JSON in a string.

    What is searched for (`query`) and results without an address name no source.
    """
    if isinstance(content, str):
        content = loads(content.encode("utf-8", "surrogatepass"), EVENT_VALUES)
    items = content if isinstance(content, list) else mapping(content).get("resultList")
    for item in items if isinstance(items, list) else ():
        fields = mapping(item)
        if url := text(fields.get("url")):
            yield url, text(fields.get("title"))


class OldFrames:
    """Reader of the choices frames of 2025: a delta holds a piece, `content` beside it the whole answer so far.

    Deltas count where there are any. A stream without them is read by its `content` and `reasonContent`.
    """

    def __init__(self) -> None:
        self._answer = _Part("content", "content")
        self._thought = _Part("reasoningContent", "reasonContent")
        self._results = ""

    def read(self, frame: Mapping[str, Any]) -> tuple[str, str]:
        """The new (reasoning, answer)."""
        choices = frame.get("choices")
        first = mapping(choices[0]) if isinstance(choices, list) and choices else {}
        delta = mapping(first.get("delta"))
        return self._thought.read(delta, frame), self._answer.read(delta, frame)

    def results(self, frame: Mapping[str, Any]) -> str | None:
        """The frame's `searchResults`, when it is another than in the frames before."""
        found = text(frame.get("searchResults"))
        if not found or found == self._results:
            return None
        self._results = found
        return found


class _Part:
    """One text that stands in the deltas under one name and beside them, as a whole, under another."""

    def __init__(self, piece_name: str, whole_name: str) -> None:
        self._piece_name = piece_name
        self._whole_name = whole_name
        self._in_pieces = False
        self._growth = CumulativeText()
        self._last = ""

    def read(self, delta: Mapping[str, Any], frame: Mapping[str, Any]) -> str:
        if piece := text(delta.get(self._piece_name)):
            self._in_pieces = True
            return piece
        so_far = text(frame.get(self._whole_name))
        if self._in_pieces or so_far == self._last:
            return ""
        self._last = so_far
        return self._growth.add(so_far)
