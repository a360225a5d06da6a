"""One model of a chat request, between the client formats (dialects) and the providers.

A dialect makes a ChatRequest, a provider reads it; neither knows the other. Every value is immutable. `extra` holds
fields that have no name here: official APIs of the same form get them untouched, web sessions never see them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

type Role = Literal["system", "developer", "user", "assistant", "tool", "function"]

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TextPart:
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


type Part = TextPart | ImagePart | OtherPart


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
    role: Role
    content: str | tuple[Part, ...] | None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
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


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What the client asks for. None means the client did not say."""

    model: str
    """The public model id, canonical case, aliases resolved."""
    messages: tuple[Message, ...]
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    """Most tokens the answer may have, reasoning included (max_completion_tokens, or the older max_tokens)."""
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None
    """none, minimal, low, medium, high, xhigh, max."""
    search: bool | None = None
    """The client asks for web search (web_search_options)."""
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    response_format: Mapping[str, Any] | None = None
    n: int = 1
    affinity: str | None = None
    """What keeps a conversation with one account (prompt_cache_key, else user)."""
    completion: Mapping[str, Any] | None = None
    """The request as it came, where the client asked to go on with a raw prompt (/v1/completions): an official API gets
    it at its own address for that; `messages` hold the prompt for all others."""
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """Every other field of the request, by its OpenAI name, untouched."""
