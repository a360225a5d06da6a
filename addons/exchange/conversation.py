"""The digest of a conversation: what its next request is known again by, exactly. Pure.

It covers whose it is (the client key), every message in full, and what else decides what a site's chat holds: the
tools, the form of the answer, and the switches. Two that differ in any of it never have the same digest. Only what
clients are known to write anew does not count: white space around an answer, how JSON is spelt in the arguments of its
calls, and whether a text stands in parts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from addons.dialects.openai.answer import image_markdown
from addons.dialects.text import joined
from providers.contract.chat import ImagePart, Message, OtherPart, TextPart, ToolCall
from providers.contract.events import Event, Image, Passthrough, Text, ToolCallDelta, Withdrawn
from providers.contract.requests import ChatRequest
from providers.formats.jsontext import dumps

_READ_CHARS: Final = 64 * 1024
"""Of JSON arguments; longer ones count as they are spelt."""


class _Digest:
    """A hash of fields, each with its length before it: no two lists of fields are alike."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, *fields: str | bytes | None) -> None:
        for field in fields:
            if field is None:
                self._hash.update(b"-")
                continue
            data = field if isinstance(field, bytes) else field.encode("utf-8", "surrogatepass")
            self._hash.update(b"%d:" % len(data))
            self._hash.update(data)

    def message(self, message: Message) -> None:
        self.add(message.role, message.name, message.tool_call_id)
        self._content(message)
        self.add(b"%d" % len(message.tool_calls))
        for call in message.tool_calls:
            self.add(call.id, call.kind, call.name, _plain(call.arguments))
        for place, name in ((message.extra, "function_call"), *((call.extra, "custom") for call in message.tool_calls)):
            if (said := place.get(name)) is not None:  # calls of forms that have no place of their own
                self.add(name, dumps(said))

    def _content(self, message: Message) -> None:
        parts = message.content if isinstance(message.content, tuple) else ()
        if all(isinstance(part, TextPart) for part in parts):
            words = message.text()
            self.add("text", words.strip() if message.role == "assistant" else words)
            return
        self.add("parts", b"%d" % len(parts))
        for part in parts:
            match part:
                case TextPart():
                    self.add("text", part.text)
                case ImagePart():
                    self.add("image", part.url, part.detail)
                case OtherPart():
                    self.add(part.kind, dumps(dict(part.data)))

    def copy(self) -> "_Digest":
        found = _Digest()
        found._hash = self._hash.copy()
        return found

    def value(self) -> bytes:
        return self._hash.digest()


class Conversation:
    """A chat request, parted behind the newest answer in it."""

    def __init__(self, request: ChatRequest, identity: bytes | None) -> None:
        """`identity` is that of the client key."""
        messages = request.messages
        behind = next((at for at in range(len(messages), 0, -1) if messages[at - 1].role == "assistant"), 0)
        self.before: tuple[Message, ...] = messages[:behind]
        """What was said up to the newest answer, which is the last of it."""
        self.turn: tuple[Message, ...] = messages[behind:]
        """The new turn."""
        digest = _Digest()
        digest.add(identity, request.reasoning_effort, dumps(request.search))
        tools = [dict(tool) for tool in request.tools] or request.extra.get("functions")
        digest.add(dumps(tools), dumps(_told(request)), dumps(request.response_format))
        for message in self.before:
            digest.message(message)
        self.key: bytes | None = digest.value() if behind and self.turn else None
        """The digest of what was said before; None where a request begins a conversation, or has no new turn."""
        for message in self.turn:
            digest.message(message)
        self._asked = digest

    def answered(self, answer: Message) -> bytes:
        """The digest of the conversation with its answer: the `key` of the request that goes on from there."""
        digest = self._asked.copy()
        digest.message(answer)
        return digest.value()


def _told(request: ChatRequest) -> object:
    """What decides which of the tools the model has been told of: only a choice that leaves some out."""
    choice = request.tool_choice if request.tools else request.extra.get("function_call")
    kind = choice.get("type") if isinstance(choice, Mapping) else choice
    return choice if kind in ("none", "allowed_tools") else None


@dataclass(slots=True)
class _Call:
    id: str | None
    name: str | None
    arguments: list[str]


class ToldAnswer:
    """The answer as the client got it, put together again from its events."""

    __slots__ = ("_calls", "_other", "_text")

    def __init__(self) -> None:
        self._other = False
        """It has parts that are neither text nor calls (a refusal, a call of the older form)."""
        self._text: list[str] = []
        self._calls: dict[int, _Call] = {}

    def add(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Text):
                if event.text:
                    self._text.append(event.text)
            elif isinstance(event, ToolCallDelta):
                call = self._calls.setdefault(event.index, _Call(event.id, event.name, []))
                call.arguments.append(event.arguments)
            elif isinstance(event, Image):  # as the encoders write it
                gap = "\n\n" if self._text and not self._text[-1].endswith("\n") else ""
                self._text.append(f"{gap}{image_markdown(event)}\n")
            elif isinstance(event, Withdrawn):
                self._text.clear()
            elif isinstance(event, Passthrough) and event.scope == "delta":
                self._other = True

    def message(self) -> Message | None:
        """The message that a client sends again for it; None where that is not known."""
        if self._other:
            return None
        calls = []
        for _, call in sorted(self._calls.items()):
            if call.id is None or call.name is None:
                return None
            calls.append(ToolCall(call.id, call.name, "".join(call.arguments)))
        return Message("assistant", joined("".join(self._text)), tool_calls=tuple(calls))


def _plain(arguments: str) -> str:
    """JSON in one spelling, whoever wrote it; what is none stays as it is."""
    if len(arguments) > _READ_CHARS:
        return arguments
    try:
        return json.dumps(json.loads(arguments, parse_float=_number), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments


def _number(spelt: str) -> float | int:
    """A number as JavaScript has it, for which 1.0 is 1."""
    value = float(spelt)
    return int(value) if value.is_integer() else value
