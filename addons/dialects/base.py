"""What a client format is to the gateway: it parses requests into ModelRequests and encodes events into answers."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from mitmproxy import http

from addons.dialects.description import Description
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import Route
from addons.dialects.transcript import Transcript
from addons.errors import GatewayError
from addons.kept import items
from providers.contract.events import Event, Finish
from providers.contract.form import Form
from providers.contract.requests import ModelRequest

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
KEEPALIVE: Final = b": keep-alive\n\n"
"""A comment: the one thing every client of chat streams ignores (id, retry and named events break some)."""


FILTERED: Final = "The provider's content filter ended this answer. Change the content, or use another model."
"""For programs that ask again where an answer says it in the form's own way."""

ANSWERS: Final = items.ANSWERS
"""The kind of kept item (addons/dialects/kept_items.py) that answers are, for requests that go on from them."""


class Named(NamedTuple):
    """What a request names that one account of a provider has: a file, a batch."""

    kind: str
    """Of the kept item that says which account (addons/dialects/kept_items.py)."""
    id: str
    param: str
    """The field, or the part of the path, that has the id."""


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A client's request."""

    request: ModelRequest
    """What a model is asked."""
    options: object = None
    """What concerns the form of the answer alone, as the dialect's own encoder wants it."""
    refusal: GatewayError | None = None
    """What is wrong with the request's form, for a web session; an official API may take it."""
    follows: str | None = None
    """The id of the answer that it goes on from (`Continuing`): it is refused where no such answer is kept."""
    keeps: bool = False
    """Its answer is to be kept, once it is whole (`Keeping`)."""
    makes: bool = False
    """Its answer may name what the provider has made for it beside (a container), for later requests to name."""
    names: tuple[Named, ...] = ()
    """It can be asked only where these are: 404 where nobody knows them."""
    said: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    """The JSON object that the body was, as it was read; None for a body of another form."""
    goes_on: bool = False
    """Its body goes on behind what was read of it: who takes it as it is can be asked, and nobody else."""


@dataclass(frozen=True, slots=True)
class AnswerMeta:
    """What stands on every piece of an answer. `created` in unix seconds."""

    id: str
    created: int
    model: str


class Encoder(Protocol):
    """The events of one answer to the bytes of its body: a stream of frames, or one document."""

    streaming: bool
    """Whether bytes come while the answer does; else all of them come with the Finish."""
    content_type: str
    keepalive: bytes
    """What a stream says while nothing else is said; nothing for a whole answer."""

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes for these events. A Finish among them ends the answer properly."""
        ...

    def error(self, error: GatewayError) -> bytes:
        """What an answer that was begun ends with when it fails; nothing for a whole one, of which nothing was sent,
        and for one in which words would be taken for a part of it: that breaks off."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """An Encoder whose answer can be kept, for requests that go on from it."""

    def kept(self) -> bytes | None:
        """The request and its answer, as the dialect reads them again, once the Finish was encoded. None: nothing.

        It is kept under the id that the client got: that of AnswerMeta, or of an Issued among the events, which is of a
        provider that keeps the answer itself.
        """
        ...


class WholeEncoder(ABC):
    """An Encoder of whole answers: nothing is written before the Finish, then the one document."""

    streaming = False
    content_type = JSON
    keepalive = b""

    def encode(self, events: Sequence[Event]) -> bytes:
        """Nothing until the Finish, which must be the last of its events."""
        self._add(events)
        return self._result() if events and isinstance(events[-1], Finish) else b""

    def error(self, error: GatewayError) -> bytes:
        return b""

    @abstractmethod
    def _add(self, events: Sequence[Event]) -> None:
        """Takes up what the events say."""

    @abstractmethod
    def _result(self) -> bytes:
        """The document."""


class Dialect(Protocol):
    """A client format."""

    name: str
    """Its name in the registry, in recordings and in flows."""
    routes: Sequence[Route]
    """Where it is served: first what asks a model, then its own small answers."""
    transcript: Transcript
    """Its bodies as people read them."""

    def answer_id(self, request_id: str) -> str:
        """The id of the answer to a request (`req_…`)."""
        ...

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Generator[None, None, ParsedRequest]:
        """The request, read in steps (addons/dialects/body.py). Raises GatewayError (400) naming the field at fault.

        What is kept of a request and read again has no head: a request must be possible to make without one.
        """
        ...

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        """The request, read in one go."""
        ...

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        """What writes the answer to a request: a stream or a whole answer, as it asks for."""
        ...

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        """A refusal or failure as an answer: its status, the format's envelope, the error's own headers.

        The head, where it was read, tells which program asks: some take a status for another one.
        """
        ...

    def description(self) -> Description:
        """What /openapi.json says of it."""
        ...


@runtime_checkable
class Uploading(Protocol):
    """A Dialect with forms that may be passed on while they come (`Route.uploads`)."""

    def begun(self, form: Form, head: RoutedHead) -> ParsedRequest:
        """The request of a form of which all before its first file has come. It `goes_on`.

        Raises GatewayError where that does not tell enough: the form is then to be read whole.
        """
        ...


@runtime_checkable
class Continuing(Protocol):
    """A Dialect with requests that go on from an answer that was kept (`ParsedRequest.follows`)."""

    def going_on(self, parsed: ParsedRequest, kept: bytes) -> Generator[None, None, ParsedRequest]:
        """The request with what was said before put before it, made in steps as `read` is; it follows nothing any more.

        `kept` is what an encoder of its own has given (`Keeping`). Raises GatewayError (400).
        """
        ...
