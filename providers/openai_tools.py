"""Tool call fragments as APIs really send them, put into one form: dense indexes, id and name once.

Seen: no index at all (several compatible servers), every parallel call at index 0 with its own id (Google's OpenAI
form), id and name repeated in each fragment, arguments as an object (Z.AI's reference), a name after the first piece.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from providers.events import Event, ToolCallDelta
from providers.json_tally import OutsideStrings
from providers.jsontext import mapping, text, whole

_KNOWN: Final = frozenset({"index", "id", "type", "function"})
_NAMELESS_LIMIT: Final = 64
"""Fragments to wait for a name."""
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))


class _Call:
    __slots__ = ("extra", "id", "index", "json", "name", "pending", "started")

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.started = False
        self.pending: list[str] = []
        self.extra: dict[str, Any] = {}
        self.json = _JsonEnd()


class ToolCalls:
    """The tool calls of one candidate."""

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def read(self, fragments: list[Any], out: list[Event], *, complete: bool) -> None:
        """Fragments of a delta, or the `complete` calls of a whole message."""
        for fragment in fragments:
            if isinstance(fragment, dict):
                self._read(fragment, out, complete=complete)

    def flush(self, out: list[Event]) -> None:
        """Calls whose name never came."""
        for call in self._calls:
            if not call.started and (call.id or call.pending):
                self._start(call, out)

    def _read(self, fragment: Mapping[str, Any], out: list[Event], *, complete: bool) -> None:
        function = mapping(fragment.get("function"))
        name = text(function.get("name")) or text(mapping(fragment.get("custom")).get("name"))
        call_id = text(fragment.get("id"))
        index = whole(fragment.get("index"))
        call = self._new() if complete else self._find(index, call_id, name)
        if call_id and not call.id:
            call.id = call_id
            self._by_id.setdefault(call_id, call)
        call.name = call.name or name
        arguments = _arguments(function.get("arguments"))
        if index is None:
            call.json.read(arguments)
        extra = _extra(fragment)
        if call.started:
            if arguments or extra:
                out.append(ToolCallDelta(call.index, None, None, arguments, self._choice, extra or None))
            return
        call.pending.append(arguments)
        call.extra |= extra
        if call.name or len(call.pending) > _NAMELESS_LIMIT:
            self._start(call, out)

    def _start(self, call: _Call, out: list[Event]) -> None:
        call.started = True
        arguments = "".join(call.pending)
        call.pending = []
        out.append(ToolCallDelta(call.index, call.id or None, call.name, arguments, self._choice, call.extra or None))

    def _find(self, index: int | None, call_id: str, name: str) -> _Call:
        """The call a fragment belongs to, a new one if need be."""
        if index is not None:
            call = self._by_index.get(index)
            if call is None or (call_id and name and call.id and call_id != call.id):
                call = self._by_index[index] = self._new()
            return call
        if call_id:
            return self._by_id.get(call_id) or self._new()
        last = self._calls[-1] if self._calls else None
        if last is None or (name and last.name and (name != last.name or last.json.ended)):
            return self._new()
        return last

    def _new(self) -> _Call:
        call = _Call(len(self._calls))
        self._calls.append(call)
        return call


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _extra(fragment: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without a place of their own: `extra_content`, `custom` …"""
    if fragment.keys() <= _KNOWN and fragment.get("type") in (None, "function", ""):
        return {}
    extra = {name: value for name, value in fragment.items() if name not in _KNOWN and value is not None}
    if (kind := text(fragment.get("type"))) not in ("", "function"):
        extra["type"] = kind
    return extra


class _JsonEnd:
    """Whether a JSON object that comes in pieces has ended: tells a repeated name from a second call."""

    __slots__ = ("_depth", "_outside", "ended")

    def __init__(self) -> None:
        self._depth = 0
        self._outside = OutsideStrings()
        self.ended = False

    def read(self, piece: str) -> None:
        brackets = self._outside.feed(piece.encode("utf-8", "replace")).translate(None, _NO_BRACKETS)
        if brackets:
            self._depth += sum(map(brackets.count, (b"{", b"["))) - sum(map(brackets.count, (b"}", b"]")))
            self.ended = self._depth <= 0 and brackets.endswith((b"}", b"]"))
