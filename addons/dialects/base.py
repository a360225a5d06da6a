"""What a client format is to the gateway: it parses requests into ChatRequests and encodes events into answers."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from addons.errors import GatewayError
from providers.contract.chat import ChatRequest
from providers.contract.events import Event

KEEPALIVE = b": keep-alive\n\n"
"""A comment: the one thing every client of chat streams ignores (id, retry and named events break some)."""


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A client's request: the chat, and what concerns only the form of the answer."""

    chat: ChatRequest
    include_usage: bool = False
    fields: frozenset[str] = frozenset()
    """Names of the request's fields that are present and not null."""
    refusal: GatewayError | None = None
    """What is wrong with the request's form, for a web session; an official API may take it."""


@dataclass(frozen=True, slots=True)
class AnswerMeta:
    """What stands on every piece of an answer. `created` in unix seconds."""

    id: str
    created: int
    model: str


@runtime_checkable
class StreamEncoder(Protocol):
    """Events to the bytes of a stream."""

    keepalive: bytes

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes for these events; a Finish among them closes the stream properly."""
        ...

    def error(self, error: GatewayError) -> bytes:
        """What a stream that was begun ends with when it fails."""
        ...


@runtime_checkable
class WholeEncoder(Protocol):
    """Gathers the events of one answer."""

    def add(self, events: Sequence[Event]) -> None: ...

    def result(self) -> bytes: ...


class Dialect(Protocol):
    def read(self, body: bytes, most_values: int) -> Generator[None, None, ParsedRequest]:
        """The request, read in steps (addons/dialects/body.py). Raises GatewayError (400) naming the field at fault."""
        ...

    def parse(self, body: bytes) -> ParsedRequest:
        """The request, read in one go."""
        ...

    def stream(self, parsed: ParsedRequest, meta: AnswerMeta) -> StreamEncoder: ...

    def whole(self, parsed: ParsedRequest, meta: AnswerMeta) -> WholeEncoder: ...
