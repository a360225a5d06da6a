"""What the stream layer is given from outside, and the words its parts have for each other."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http._base import HttpCommand

from addons.relay import Ticket

type Commands = layer.CommandGenerator[None]


class Watched(Protocol):
    """Something with a deadline: a stream, or a client connection whose request has only begun."""

    deadline: float
    ending: bool
    """The gateway stops: the next tick ends this one."""

    @property
    def client_id(self) -> str: ...


class Watch(Protocol):
    """Where those with a deadline are registered for ticks."""

    def add(self, watched: Watched) -> None: ...

    def discard(self, watched: Watched) -> None: ...


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What a client may take of space and time."""

    body_bytes: int = 50 * 1024 * 1024
    head_s: float = 30.0
    """For the head of a request, from its first byte."""
    body_s: float = 300.0
    """For the body of a request, from the end of its head."""
    stall_s: float = 120.0
    """For a client that has stopped reading its answer."""


class ClientWire(Protocol):
    """The bytes on their way to a client, below HTTP."""

    def unsent(self, client_id: str) -> int:
        """Bytes that wait until the client reads."""
        ...

    def abort(self, client_id: str) -> None:
        """Ends the connection at once; what waits is lost."""
        ...


class NoWire:
    """Nothing ever waits."""

    def unsent(self, client_id: str) -> int:
        return 0

    def abort(self, client_id: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class RefusedHead:
    """A request that was refused before its head could be read: there is no flow of it, and no hook hears of it."""

    id: str
    client: str
    begins: bytes
    """The first bytes of the head."""
    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Gear:
    """What the layer is given from outside."""

    find: Callable[[http.HTTPFlow], Ticket | None]
    watch: Watch
    limits: ClientLimits = ClientLimits()
    wire: ClientWire = field(default_factory=NoWire)
    clock: Callable[[], float] = field(default=time.monotonic)
    refused: Callable[[RefusedHead], None] = lambda refused: None


@dataclass
class Tick(events.Event):
    """The clock reached the deadline of somebody."""

    watched: Watched


@dataclass
class AttemptFailedHook(commands.StartHook):
    """An attempt failed and the client has seen nothing of it: the exchange names the next one or the verdict."""

    flow: http.HTTPFlow  # mitmproxy hooks carry exactly one argument


@dataclass
class BindAttempt(HttpCommand):
    """Words of the provider with this attempt's id are for the stream."""

    attempt: int
    stream_id: int


@dataclass
class DrainAttempt(HttpCommand):
    """The attempt's answer is complete; its body may still end properly."""

    attempt: int
    connection: Server


@dataclass
class GiveUpConnecting(HttpCommand):
    """Whoever waits for a connection for this stream waits no longer."""

    stream_id: int
