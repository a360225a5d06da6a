"""LongCat's answer stream to events: the V2 event frames and the older choices frames.

Whether text comes as pieces or as snapshots is decided once per stream and kind (providers/cumulative.py). The end is
an event of type finish or `lastOne: true`; a FINISHED status ends only its own event.
"""

from typing import Any, Final

from providers.cumulative import CumulativeText
from providers.events import Citation, Event, FinishReason, Reasoning, Text, Usage
from providers.frames import FrameDecoder
from providers.jsontext import loads, mapping, text, whole
from providers.longcat_errors import json_error

_THINKING: Final = frozenset({"reason", "think"})
_SEARCHES: Final = frozenset({"search", "common_search", "general_search", "local_life_search"})
_SILENT: Final = frozenset({"create", "summary"})
_ERRORS: Final = frozenset({"event_error", "eventError"})


class LongCatDecoder(FrameDecoder):
    """See the Decoder of providers/contract.py."""

    site = "LongCat"
    bare_json = True

    def __init__(self) -> None:
        super().__init__()
        self._answer = CumulativeText()
        self._thought = CumulativeText()
        self._sent: list[str] = []
        self._sources: dict[str, str] = {}
        self._usage: Usage | None = None
        self._filtered = False

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        self._filtered = self._filtered or frame.get("sensitive") is True
        self._count(mapping(frame.get("tokenInfo")), "promptTokens", "completionTokens")
        if "event" in frame:
            self._event(mapping(frame["event"]), out)
        elif "choices" in frame or "content" in frame:
            self._old(frame, out)
        elif whole(frame.get("code")):
            self._fail(json_error(frame), out)
        elif frame.get("lastOne") is not True:
            self.unknown["frame"] += 1
        if frame.get("lastOne") is True:
            self._finish(out)

    def _event(self, event: dict[str, Any], out: list[Event]) -> None:
        kind, content = text(event.get("type")), event.get("content")
        if kind == "content" and isinstance(content, str):
            self._say(content, out)
        elif kind in _THINKING and isinstance(content, str):
            self._think(content, out)
        elif kind in _SEARCHES:
            self._search(content)
        elif kind == "finish":
            self._last_check(event.get("finalContentX"), out)
            self._count(mapping(event.get("usage")), "inputTokens", "outputTokens")
            self._filtered = self._filtered or event.get("finishType") == "sensitive"
            self._finish(out)
        elif kind in _ERRORS:
            words = text(event.get("message")) or text(content)
            self._fail(json_error({"code": event.get("code"), "message": words}), out)
        elif kind not in _SILENT:
            self.unknown[f"event {kind[:40]}"] += 1

    def _old(self, frame: dict[str, Any], out: list[Event]) -> None:
        """A frame of 2025: a delta is a piece; the `content` beside it repeats the whole answer so far."""
        choices = frame.get("choices")
        first = mapping(choices[0]) if isinstance(choices, list) and choices else {}
        delta = mapping(first.get("delta"))
        thought = text(delta.get("reasoningContent")) or text(frame.get("reasonContent"))
        if thought:
            self._think(thought, out)
        self._say(text(delta.get("content")) or ("" if delta else text(frame.get("content"))), out)
        found = frame.get("searchResults")
        self._search(loads(found.encode()) if isinstance(found, str) and found else found)

    # -- pieces ---------------------------------------------------------------------------------------------------
    def _say(self, content: str, out: list[Event]) -> None:
        if content and (new := self._answer.add(content)):
            self._sent.append(new)
            out.append(Text(new))

    def _think(self, content: str, out: list[Event]) -> None:
        if new := self._thought.add(content):
            out.append(Reasoning(new))

    def _search(self, content: Any) -> None:
        """Results as a list, as an object with `resultList`, or as JSON in a string."""
        if isinstance(content, str):
            content = loads(content.encode("utf-8", "surrogatepass"))
        items = content if isinstance(content, list) else mapping(content).get("resultList")
        for item in items if isinstance(items, list) else []:
            fields = mapping(item)
            url = text(fields.get("url"))
            if url.startswith(("https://", "http://")):
                self._sources.setdefault(url, text(fields.get("title")))

    def _last_check(self, final: Any, out: list[Event]) -> None:
        """`finalContentX` is the whole answer: what is missing of it is said, a contradiction only counted."""
        sent = "".join(self._sent)
        if not isinstance(final, str) or not final or final == sent:
            return
        if final.startswith(sent):
            self._sent.append(final[len(sent) :])
            out.append(Text(final[len(sent) :]))
        else:
            self.unknown["finalContentX differs"] += 1

    def _count(self, usage: dict[str, Any], prompt_name: str, completion_name: str) -> None:
        prompt, completion = whole(usage.get(prompt_name)), whole(usage.get(completion_name))
        if prompt is not None and completion is not None:
            total = whole(usage.get("totalTokens"))
            self._usage = Usage(prompt, completion, prompt + completion if total is None else total)

    def _end(self, out: list[Event]) -> FinishReason:
        out += [Citation(url, title) for url, title in self._sources.items()]
        if self._usage is not None:
            out.append(self._usage)
        return "content_filter" if self._filtered else "stop"
