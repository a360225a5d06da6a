"""Requests in a form of their own, which some providers take as it is: Anthropic's Messages, OpenAI's Responses.

A provider with an operation for such a request gets the client's own body and gives back its own answer, as `Verbatim`
events. All others are asked with the chat that means the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from providers.contract.requests import ChatRequest, ModelRequest


@dataclass(frozen=True, slots=True)
class NativeRequest(ModelRequest):
    """The base: the request as it came, and the chat that asks the same."""

    chat: ChatRequest
    body: bytes
    """The JSON object as the client sent it, not packed."""
    fields: Mapping[str, Any]
    """The same, read."""
    headers: tuple[tuple[str, str], ...] = ()
    """Those that belong to the form (anthropic-beta …): names in lower case, values that can be sent."""

    @property
    def thinks(self) -> bool:
        return self.chat.thinks

    def words(self) -> Iterable[str]:
        return self.chat.words()

    def opening(self) -> Iterable[str]:
        return self.chat.opening()

    def instead(self) -> ChatRequest:
        return replace(self.chat, model=self.model)


@dataclass(frozen=True, slots=True)
class MessagesRequest(NativeRequest):
    """A request of Anthropic's Messages form (POST /v1/messages)."""

    kind: ClassVar[str] = "message"


@dataclass(frozen=True, slots=True)
class ResponsesRequest(NativeRequest):
    """A request of OpenAI's Responses form (POST /v1/responses)."""

    kind: ClassVar[str] = "response"
