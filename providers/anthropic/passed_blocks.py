"""The blocks of an answer that is passed on as it came, but for what clients of the form cannot read.

Indexes count from 0 without a gap. The arguments of a call are told in pieces: Claude Code takes a call without any for
a broken one, and an empty object before the real ones only holds their place. Where they end in the middle of their
JSON the call is `cut`.
"""

from typing import Any, Final

from providers.anthropic.mended import event_of
from providers.formats.json_end import JsonEnd
from providers.formats.jsontext import dumps, mapping, text

_OPEN_LIMIT: Final = 64
"""Blocks that are open at once; APIs have one."""
_EMPTY: Final = "{}"
_BEGINNINGS: Final = {
    "text_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
}
"""Kind of a delta → the block that it belongs to, where that never began."""


class _Arguments:
    __slots__ = ("began", "given", "held", "json", "seen")

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        """What the beginning of the call had of them."""
        self.seen = self.began = False
        """There was a piece; there was one with something in it."""
        self.held = b""
        """The event of an empty object that may hold the place of the real ones."""
        self.json = JsonEnd()


class PassedBlocks:
    """The blocks, as their events come; each of these methods gives what goes out for an event."""

    def __init__(self) -> None:
        self._count = 0
        self._ours: dict[Any, int] = {}
        """The API's index of a block that is open → ours."""
        self._calls: dict[int, _Arguments] = {}
        self._renumbers = False
        """The API counts otherwise."""

    @property
    def cut(self) -> bool:
        """Whether the end of the answer would now cut a call in the middle of its arguments."""
        return any(call.json.inside for call in self._calls.values())

    @property
    def any(self) -> bool:
        return self._count > 0

    def begins(self, value: dict[str, Any], shown: bytes) -> bytes:
        ours, index = self._count, _key(value.get("index"))
        self._count += 1
        if len(self._ours) >= _OPEN_LIMIT:
            del self._ours[next(iter(self._ours))]
        self._ours[index] = ours
        self._renumbers = self._renumbers or index != ours
        block = mapping(value.get("content_block"))
        if block.get("type") == "tool_use" and len(self._calls) < _OPEN_LIMIT:
            self._calls[ours] = _Arguments(mapping(block.get("input")))
        return self._numbered(value, shown, ours)

    @property
    def reads_deltas(self) -> bool:
        """Whether every delta has to be read, since not each goes on as it came."""
        return self._renumbers or not self._ours

    def goes_on(self, value: dict[str, Any], shown: bytes) -> bytes:
        kind = _BEGINNINGS.get(text(mapping(value.get("delta")).get("type")))
        if _key(value.get("index")) not in self._ours and kind is not None:
            begun = {"type": "content_block_start", "index": value.get("index"), "content_block": kind}
            before = self.begins(begun, event_of(begun))
            return before + self._goes_on(value, shown)
        return self._goes_on(value, shown)

    def _goes_on(self, value: dict[str, Any], shown: bytes) -> bytes:
        ours = self._ours.get(index := _key(value.get("index")), index)
        call = self._calls.get(ours) if isinstance(ours, int) else None
        delta = mapping(value.get("delta"))
        if call is None or delta.get("type") != "input_json_delta":
            return self._numbered(value, shown, ours)
        piece = delta.get("partial_json")
        if isinstance(piece, dict):  # some relays tell them as the object they are
            piece = dumps(piece).decode()
            shown = event_of({**value, "delta": {**delta, "partial_json": piece}})
        shown = self._numbered(value, shown, ours)
        call.seen = True
        if not call.began and not call.given and text(piece).strip() == _EMPTY:
            call.held = shown
            return b""
        call.began = call.began or bool(piece)
        call.json.read(text(piece))
        return shown

    def ends(self, value: dict[str, Any], shown: bytes) -> bytes:
        ours = self._ours.pop(index := _key(value.get("index")), index)
        told = self._rest(ours)
        return told + self._numbered(value, shown, ours)

    def rest(self) -> bytes:
        """What was held back of calls that nobody has ended."""
        return b"".join(map(self._rest, list(self._calls)))

    def _rest(self, ours: Any) -> bytes:
        call = self._calls.get(ours) if isinstance(ours, int) else None
        if call is None or call.json.inside:
            return b""
        del self._calls[ours]
        if call.held and not call.began:
            return call.held
        if call.seen:
            return b""
        delta = {"type": "input_json_delta", "partial_json": dumps(call.given).decode()}
        return event_of({"type": "content_block_delta", "index": ours, "delta": delta})

    def _numbered(self, value: dict[str, Any], shown: bytes, ours: Any) -> bytes:
        if value.get("index") == ours and value.get("index") is not None:
            return shown
        return event_of({**value, "index": ours}) if isinstance(ours, int) else shown


def _key(index: Any) -> Any:
    return index if isinstance(index, int | str) and not isinstance(index, bool) else None
