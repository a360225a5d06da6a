"""An answer of the Messages form: its blocks, whole and as named events. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from providers.sandbox.anthropic.tokens import Prompt
from providers.sandbox.script import split

_EXPLANATION: Final = "This request was declined by the stand-in's safety system."


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: content blocks in order, why it ended, and the tokens of its prompt."""

    model: str
    blocks: Sequence[Mapping[str, Any]]
    stop_reason: str
    prompt: Prompt
    stop_sequence: str | None = None
    id: str = "msg_sandbox"
    open_call: bool = False
    """The last call breaks off in the middle of its input."""
    thoughts: int = 0
    """Tokens of thinking, which need not be shown."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """Uses of the API's own tools."""

    def whole(self) -> dict[str, Any]:
        return {
            **self._head(),
            "content": self.blocks,
            **self._end(),
            "usage": {**self.prompt.usage(), **self._spent()},
        }

    def opening(self) -> Iterator[bytes]:
        """What comes before the first word."""
        usage = {**self.prompt.usage(), "output_tokens": 1, "service_tier": "standard"}
        none: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        yield event("message_start", message={**self._head(), **none})
        yield event("ping")

    def frames(self) -> list[bytes]:
        """The events of the whole stream."""
        found = list(self.opening())
        for index, block in enumerate(self.blocks):
            found += self._block(index, block)
        return [*found, *self.closing()]

    def closing(self) -> Iterator[bytes]:
        yield event("message_delta", delta=self._end(), usage={**self.prompt.usage(), **self._spent()})
        yield event("message_stop")

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "type": "message", "role": "assistant", "model": self.model}

    def _end(self) -> dict[str, Any]:
        told: dict[str, Any] = {"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence}
        if self.stop_reason == "refusal":
            told["stop_details"] = {"type": "refusal", "category": None, "explanation": _EXPLANATION}
        return told

    def _spent(self) -> dict[str, Any]:
        written = self.thoughts + sum(
            len(str(block.get("text") or json.dumps(block.get("input", ""))).split()) for block in self.blocks
        )
        spent: dict[str, Any] = {"output_tokens": written, "output_tokens_details": {"thinking_tokens": self.thoughts}}
        return {**spent, "server_tool_use": self.counters} if self.counters else spent

    def _block(self, index: int, block: Mapping[str, Any]) -> Iterator[bytes]:
        start, deltas = _pieces(block)
        yield event("content_block_start", index=index, content_block=start)
        if self.open_call and index == len(self.blocks) - 1:
            deltas = deltas[: len(deltas) // 2 + 1]
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)


def event(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, ensure_ascii=False)}\n\n".encode()


def _pieces(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and what it goes on with."""
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in split(block["text"]) if piece]
            cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations") or ()]
            return {**block, "text": "", **({"citations": []} if cited else {})}, [*deltas, *cited]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in split(block["thinking"]) if piece]
            signed = [{"type": "signature_delta", "signature": block["signature"]}] if "signature" in block else []
            start = {"type": "thinking", "thinking": "", **({"signature": ""} if signed else {})}
            return start, [*deltas, *signed]
        case "tool_use" | "server_tool_use":
            text = json.dumps(block["input"], ensure_ascii=False)
            step = max(len(text) // 3, 1)
            parts = ["", *(text[at : at + step] for at in range(0, len(text), step))] if block["input"] else [""]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return dict(block), []
