"""Events gathered into one message of Anthropic's form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic_core import from_json

from addons.dialects.base import AnswerMeta, WholeEncoder
from addons.dialects.messages.answer import SIGNATURE, CallIds, ending, in_words, sources_text, usage_object
from addons.dialects.openai.answer import CITATIONS_LIMIT, image_markdown
from addons.dialects.text import joined, json_bytes
from providers.contract.events import (
    Citation,
    Event,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Verbatim,
    Withdrawn,
)


@dataclass(slots=True)
class _Block:
    kind: Literal["text", "thinking", "tool_use"]
    pieces: list[str] = field(default_factory=list)
    id: str = ""
    name: str = ""

    def rendered(self) -> dict[str, Any] | None:
        """The block as it is told; None for one with nothing in it."""
        said = joined("".join(self.pieces))
        match self.kind:
            case "tool_use":
                return {"type": "tool_use", "id": self.id, "name": self.name, "input": _input(said)}
            case "thinking":
                return {"type": "thinking", "thinking": said, "signature": SIGNATURE} if said else None
            case "text":
                return {"type": "text", "text": said} if said.strip() else None


class MessagesWhole(WholeEncoder):
    """The Encoder of whole answers of POST /v1/messages."""

    def __init__(self, meta: AnswerMeta, *, thinks: bool, words_alone: bool = False) -> None:
        self._meta = meta
        self._words_alone = words_alone
        self._thinks = thinks
        self._own: list[bytes] = []
        self._blocks: list[_Block] = []
        self._calls: dict[int, _Block] = {}
        self._ids = CallIds(meta.id)
        self._citations: list[Citation] = []
        self._usage = Usage(0, 0, 0)
        self._refusal: str | None = None
        self._finish = Finish("stop")

    def _add(self, events: Sequence[Event]) -> None:
        for event in events:
            if getattr(event, "choice", 0):
                continue  # the form knows one answer
            match event:
                case Text(text):
                    self._piece("text", text)
                case Reasoning(text) if self._thinks:
                    self._piece("thinking", text)
                case ToolCallDelta():
                    self._call(event)
                case Image():
                    self._picture(event)
                case Citation():
                    if len(self._citations) < CITATIONS_LIMIT:
                        self._citations.append(event)
                case Withdrawn():
                    self._blocks = [block for block in self._blocks if block.kind == "tool_use"]
                    self._citations.clear()
                case Passthrough("delta", {"refusal": str(words)}) if words:
                    self._refusal = (self._refusal or "") + words
                    self._piece("text", words)
                case Usage():
                    self._usage = event
                case Verbatim(data):
                    self._own.append(data)
                case Finish():
                    self._finish = event

    def _piece(self, kind: Literal["text", "thinking"], text: str) -> None:
        if not text:
            return
        if not self._blocks or self._blocks[-1].kind != kind:
            self._blocks.append(_Block(kind))
        self._blocks[-1].pieces.append(text)

    def _says_text(self) -> bool:
        return bool(self._blocks) and self._blocks[-1].kind == "text"

    def _call(self, delta: ToolCallDelta) -> None:
        block = self._calls.get(delta.index)
        if block is None:
            block = _Block("tool_use", id=self._ids.next(delta.id), name=joined(delta.name or ""))
            self._calls[delta.index] = block
            self._blocks.append(block)
        block.pieces.append(delta.arguments)

    def _picture(self, image: Image) -> None:
        said = next((block.pieces[-1] for block in reversed(self._blocks) if block.kind == "text"), "\n")
        gap = "" if said.endswith("\n") else "\n\n"
        self._piece("text", f"{gap}{image_markdown(image)}\n")

    def _result(self) -> bytes:
        if self._own:
            return b"".join(self._own)
        self._piece("text", sources_text(self._citations))
        finish, refusal = self._finish, self._refusal
        if self._words_alone:
            finish, words = in_words(finish, refusal)
            refusal = None
            self._piece("text", f"\n\n{words}" if words and self._says_text() else words)
        told = ending(finish, called=bool(self._calls), refusal=refusal)
        message: dict[str, Any] = {
            "id": self._meta.id,
            "type": "message",
            "role": "assistant",
            "model": self._meta.model,
            "content": [shown for block in self._blocks if (shown := block.rendered()) is not None],
            **told,
            "usage": usage_object(self._usage),
        }
        return json_bytes(message)


def _input(arguments: str) -> dict[str, Any]:
    """The arguments of a call as an object; an empty one where they are none, as the form wants one."""
    try:
        found = from_json(arguments)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
