"""Reader of one message of the Messages form: events of a stream, or a whole message, to our events."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from providers.anthropic.reasons import WINDOW, end_of
from providers.anthropic.usage import UsageReader
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import (
    Citation,
    Event,
    Finish,
    FinishReason,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
)
from providers.formats.json_end import JsonEnd
from providers.formats.jsontext import dumps, loads, mapping, text, whole
from providers.official.reasons import CUT_CALL, LOST_CALL, broken_off

CALLS_LIMIT: Final = 1000
CITATIONS_LIMIT: Final = 2000
_URL_CHARS: Final = 8192
_TITLE_CHARS: Final = 1000
_ID_CHARS: Final = 256
_KINDS_LIMIT: Final = 64
_EMPTY: Final = "{}"
_OF_SERVER: Final = ("server_tool_use", "mcp_tool_use")
"""Calls the API carries out itself; their results end in `_tool_result`."""


@dataclass(slots=True)
class _Block:
    """The block that is open."""

    kind: str
    call: int = 0
    """Of a call: its number among those of the answer."""
    given: dict[str, Any] = field(default_factory=dict)
    """Arguments that its beginning had already."""
    began: bool = False
    """Of a call: some of its arguments have come."""
    json: JsonEnd = field(default_factory=JsonEnd)
    """Of those: where they end."""
    start: int = 0
    """Of text: where it begins in the answer."""
    cited: list[tuple[str, str]] = field(default_factory=list)


class MessageReader:
    """The reader. `names`: what a tool was called by the client, of the name that was sent."""

    def __init__(self, names: Callable[[str], str], unknown: Counter[str]) -> None:
        self.stopped = False
        """The reason was said for which it ended."""
        self.failure: ProviderError | None = None
        """What that reason means, where it is a failure."""
        self._names = names
        self._unknown = unknown
        self._usage = UsageReader()
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._chars = 0
        self._cited: set[str] = set()
        self._reason: FinishReason = "stop"
        self._word = ""
        self._sequence: str | None = None
        self._spoke = self._began = False
        self._ids: set[str] = set()
        self._cut = False
        """A call ended in the middle of its arguments."""

    # -- events of a stream ---------------------------------------------------------------------------------------
    def read(self, value: dict[str, Any], out: list[Event]) -> None:
        """Events of one event of the stream; not of errors, and not of the end (`finish`)."""
        match kind := text(value.get("type")):
            case "content_block_delta":
                self._delta(self._blocks.get(whole(value.get("index")) or 0), mapping(value.get("delta")), out)
            case "content_block_start":
                self._start(whole(value.get("index")) or 0, mapping(value.get("content_block")), out)
            case "content_block_stop":
                self._close(self._blocks.pop(whole(value.get("index")) or 0, None), out)
            case "message_start":
                self._count(mapping(value.get("message")).get("usage"), out)
            case "message_delta":
                self._end(mapping(value.get("delta")), out)
                self._count(value.get("usage"), out)
            case "ping":
                pass
            case _:
                self._note(f"event: {kind[:60]}")

    def read_whole(self, message: dict[str, Any], out: list[Event]) -> None:
        """Events of a whole message."""
        content = message.get("content")
        for block in map(mapping, content if isinstance(content, list) else ()):
            self._start(0, block, out)
            opened = self._blocks.pop(0, None)
            if opened is not None:
                citations = block.get("citations")
                for citation in citations[:CITATIONS_LIMIT] if isinstance(citations, list) else ():
                    self._cite(opened, mapping(citation))
            self._close(opened, out)
        self._end(message, out)
        self._count(message.get("usage"), out)

    def finish(self, out: list[Event]) -> ProviderError | None:
        """The end: what is still open is closed, and the Finish; or why there is no answer."""
        for block in self._blocks.values():
            self._close(block, out)
        self._blocks.clear()
        if self._word == WINDOW and not self._spoke:
            words = "The conversation is too long for the model: its context window ended before the first word."
            return ProviderError(ErrorKind.TOO_LONG, words, site_code=self._word, credential="key")
        reason = self._reason
        if self._cut and reason in ("stop", "tool_calls"):
            return ProviderError(ErrorKind.INCOMPLETE, CUT_CALL)
        if reason == "tool_calls" and not self._began:
            return ProviderError(ErrorKind.PROVIDER_DOWN, LOST_CALL)
        if self._calls and reason == "stop":
            reason = "tool_calls"
        elif reason == "tool_calls" and not self._calls:
            reason = "stop"  # a call of a tool of the server's
        out.append(Finish(reason, stop_sequence=self._sequence))
        return None

    # -- blocks ---------------------------------------------------------------------------------------------------
    def _start(self, index: int, block: dict[str, Any], out: list[Event]) -> None:
        self._began = True
        kind = text(block.get("type"))
        opened = self._blocks[index] = _Block(kind, start=self._chars)
        if len(self._blocks) > _KINDS_LIMIT:
            del self._blocks[next(iter(self._blocks))]
        if kind == "text":
            self._say(text(block.get("text")), out)
        elif kind == "thinking":
            self._think(text(block.get("thinking")), out)
        elif kind == "tool_use":
            self._call(opened, block, out)
        elif kind != "redacted_thinking" and kind not in _OF_SERVER and not kind.endswith("_tool_result"):
            self._note(f"content block: {kind[:60]}")

    def _delta(self, block: _Block | None, delta: dict[str, Any], out: list[Event]) -> None:
        match kind := text(delta.get("type")):
            case "text_delta":
                self._say(text(delta.get("text")), out)
            case "thinking_delta":
                self._think(text(delta.get("thinking")), out)
            case "input_json_delta":
                if block is not None and block.kind == "tool_use":
                    self._argument(block, _arguments(delta.get("partial_json")), out)
            case "citations_delta":
                if block is not None:
                    self._cite(block, mapping(delta.get("citation")))
            case "signature_delta":
                pass
            case _:
                self._note(f"delta: {kind[:60]}")
                self._say(text(delta.get("text")), out)

    def _close(self, block: _Block | None, out: list[Event]) -> None:
        if block is None:
            return
        if block.kind == "tool_use" and not block.began and self._calls:
            out.append(ToolCallDelta(block.call, None, None, dumps(block.given).decode()))
        self._cut = self._cut or block.json.inside
        for url, title in block.cited:
            out.append(Citation(url, title, None, block.start, self._chars))

    def _say(self, words: str, out: list[Event]) -> None:
        if words:
            self._spoke = True
            self._chars += len(words)
            out.append(Text(words))

    def _think(self, words: str, out: list[Event]) -> None:
        if words:
            self._spoke = True
            out.append(Reasoning(words))

    def _call(self, opened: _Block, block: dict[str, Any], out: list[Event]) -> None:
        if self._calls >= CALLS_LIMIT:
            opened.kind = ""
            self._note("more calls")
            return
        self._spoke = True
        opened.call, self._calls = self._calls, self._calls + 1
        given = block.get("input")
        opened.given = mapping(loads(given.encode("utf-8", "replace")) if isinstance(given, str) else given)
        name = self._names(text(block.get("name"))[:_ID_CHARS])
        id = text(block.get("id"))[:_ID_CHARS]
        out.append(ToolCallDelta(opened.call, id if id and id not in self._ids else None, name, ""))
        self._ids.add(id)

    def _argument(self, block: _Block, piece: str, out: list[Event]) -> None:
        """The next piece of a call's arguments. An empty object before them only holds their place."""
        if not piece or (piece.strip() == _EMPTY and not block.began and not block.given):
            return
        block.began = True
        block.json.read(piece)
        out.append(ToolCallDelta(block.call, None, None, piece))

    def _cite(self, block: _Block, citation: dict[str, Any]) -> None:
        """A source with an address; one inside of a document of the client's has none, and no place in our events."""
        url = text(citation.get("url"))
        if not url.startswith(("https://", "http://")) or len(url) > _URL_CHARS or len(self._cited) >= CITATIONS_LIMIT:
            return
        key = f"{block.start} {url}"
        if key not in self._cited:
            self._cited.add(key)
            block.cited.append((url, text(citation.get("title"))[:_TITLE_CHARS]))

    # -- the end --------------------------------------------------------------------------------------------------
    def _end(self, delta: dict[str, Any], out: list[Event]) -> None:
        if (end := end_of(delta.get("stop_reason"))) is None:
            return
        reason = end.reason
        self._reason, self._word, self.stopped = reason, end.word, True
        self._sequence = text(delta.get("stop_sequence")) or None
        if not end.known:
            self._note(f"stop_reason: {self._word[:60]}")
        self.failure = broken_off(end, "stop_reason")
        explained = text(mapping(delta.get("stop_details")).get("explanation"))
        if reason == "content_filter" and explained:
            out.append(Passthrough("delta", {"refusal": explained}))

    def _count(self, usage: Any, out: list[Event]) -> None:
        counted: Usage | None = self._usage.read(usage)
        if counted is not None:
            out.append(counted)

    def _note(self, what: str) -> None:
        self._unknown[what if what in self._unknown or len(self._unknown) < _KINDS_LIMIT else "others"] += 1


def _arguments(piece: Any) -> str:
    """A piece of arguments; some relays tell them as the object they are."""
    return dumps(piece).decode() if isinstance(piece, dict) and piece else text(piece)
