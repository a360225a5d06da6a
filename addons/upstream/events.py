"""What is told of a request to a provider: events, in their order.

Connected (where the request goes out a second time: Reconnecting before it), Answered, Body, …, Ended; or NoConnection
or Broken, which end it.
"""

from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.connection import Server


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a connection, and the request is on its way."""

    server: Server


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection, which had been idle, was dead: a new one is being made, and the request goes out on that."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider has taken what waited of an upload: more may be handed over."""


@dataclass(frozen=True, slots=True)
class NoConnection:
    """No connection could be made; nothing was sent."""

    why: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The head of the final answer; interim ones (1xx) were passed over."""

    response: http.Response


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes of the answer's body: all that one read of the connection gave, piece by piece as it was sent."""

    pieces: list[bytes]


@dataclass(frozen=True, slots=True)
class Ended:
    """The body has ended as HTTP says it should."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The answer will not be whole: the connection ended (`closed`), or what came is not HTTP."""

    why: str
    closed: bool


type UpstreamEvent = Connected | Reconnecting | Taken | NoConnection | Answered | Body | Ended | Broken

ENDED = Ended()
RECONNECTING = Reconnecting()
TAKEN = Taken()
