"""The messages of a chat and their parts. Every value is immutable.

`extra` holds fields that have no name here: official APIs of the same form get them untouched, web sessions never see
them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

type Role = Literal["system", "developer", "user", "assistant", "tool", "function"]

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text part of a message."""

    text: str
    extra: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture: `url` is an http(s) address or a data: URL."""

    url: str
    detail: str | None = None
    extra: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, slots=True)
class OtherPart:
    """A part of a kind that only some providers know (file, input_audio, video_url …), as it came."""

    kind: str
    data: Mapping[str, Any]


type MediaKind = Literal["image", "video", "audio", "document"]


@dataclass(frozen=True, slots=True)
class AttachedPart:
    """A file that the account's site has: it was uploaded (providers/contract/uploads.py)."""

    kind: MediaKind
    name: str
    descriptor: Mapping[str, Any]
    """Names it to the site, in the site's own form."""


type Part = TextPart | ImagePart | OtherPart | AttachedPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model made in an earlier turn. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str
    kind: str = "function"
    extra: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation."""

    role: Role
    content: str | tuple[Part, ...] | None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    failed: bool = False
    """Of a tool's result: the tool says that it failed."""
    extra: Mapping[str, Any] = NOTHING
    raw: Mapping[str, Any] | None = field(default=None, compare=False)
    """The message as it came: for an official API, which gets it so."""

    def text(self) -> str:
        """The text of the message, its text parts joined by line ends."""
        if self.content is None:
            return ""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))


def attached(messages: Sequence[Message]) -> tuple[AttachedPart, ...]:
    """The files of a conversation, each once, in order."""
    found: dict[int, AttachedPart] = {}
    for message in messages:
        for part in message.content if isinstance(message.content, tuple) else ():
            if isinstance(part, AttachedPart):
                found.setdefault(id(part), part)
    return tuple(found.values())
