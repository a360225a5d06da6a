"""The events of a stream as one whole message, for a client that wants one of an API that streams in any case."""

from typing import Any, Final

from providers.formats.jsontext import INVALID, loads, mapping, text, whole, with_pairs

_BLOCKS_LIMIT: Final = 5000
_TEXTS: Final = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
"""Kind of a delta → the field of its piece."""
_KINDS: Final = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}
"""Kind of a block → that of the deltas that belong to it."""


class Assembled:
    """The message as far as its events have come."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[int, list[str]] = {}
        self._cited: dict[int, list[Any]] = {}
        self._usage: dict[str, Any] = {}

    def read(self, value: dict[str, Any]) -> None:
        """Takes up one event."""
        index = whole(value.get("index")) or 0
        match value.get("type"):
            case "message_start":
                self._message = dict(mapping(value.get("message")))
                self._usage |= mapping(self._message.get("usage"))
            case "content_block_start" if len(self._blocks) < _BLOCKS_LIMIT:
                self._blocks[index] = dict(mapping(value.get("content_block")))
                self._pieces[index], self._cited[index] = [], []
            case "content_block_delta" if index in self._blocks:
                self._delta(index, mapping(value.get("delta")))
            case "message_delta":
                self._message |= mapping(value.get("delta"))
                self._usage |= mapping(value.get("usage"))

    def message(self) -> dict[str, Any]:
        """The message; without a `stop_reason` where its end has not come."""
        content = [self._block(index) for index in sorted(self._blocks)]
        return {**self._message, "content": content, "usage": self._usage}

    def _delta(self, index: int, delta: dict[str, Any]) -> None:
        kind = text(delta.get("type"))
        if kind in _TEXTS and _KINDS.get(text(self._blocks[index].get("type")), kind) == kind:
            self._pieces[index].append(text(delta.get(_TEXTS[kind])))
        elif kind == "signature_delta":
            self._blocks[index]["signature"] = text(delta.get("signature"))
        elif kind == "citations_delta":
            self._cited[index].append(delta.get("citation"))

    def _block(self, index: int) -> dict[str, Any]:
        block, pieces = self._blocks[index], with_pairs("".join(self._pieces[index]))
        if cited := self._cited[index]:
            block = {**block, "citations": [*(block.get("citations") or ()), *cited]}
        if not pieces:
            return block
        if (kind := block.get("type")) in ("text", "thinking"):
            return {**block, kind: text(block.get(kind)) + pieces}
        value = loads(pieces.encode("utf-8", "surrogatepass"))
        return {**block, "input": {} if value is INVALID else value}
