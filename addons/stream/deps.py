"""What the stream layer is given from outside, and the words its parts have for each other."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http._base import HttpCommand, HttpEvent

from addons.cleaning.fields import Fields
from addons.errors import GatewayError
from addons.stream.bodies import Bodies
from addons.stream.credentials import Aside
from addons.stream.guests import Peer, host_of
from addons.stream.line_budget import LineBudget
from addons.stream.port import RequestPort
from addons.stream.refusal import Refuse

type Commands = layer.CommandGenerator[None]


class Timed(Protocol):
    """Something with a deadline: a stream, or a client connection whose request has only begun."""

    deadline: float
    ending: bool
    """The gateway stops: the next tick ends this one."""

    @property
    def client_id(self) -> str: ...


class Deadlines(Protocol):
    """Where those with a deadline are registered for ticks."""

    def add(self, watched: Timed) -> None: ...

    def discard(self, watched: Timed) -> None: ...


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
    head_fields: int = 100
    """Fields in the head of a request."""

    @property
    def body_message(self) -> str:
        limit_mb = self.body_bytes / (1024 * 1024)
        return f"the request body is larger than the limit of {limit_mb:g} MB (limits.body_mb in config.yaml)"


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
    peer: Peer
    method: str
    path: str
    """Both empty where the head does not even begin with them."""
    error: GatewayError


class Presence(Protocol):
    """What the connections tell of themselves, by their peer's address: who is silent may have to make room."""

    def greeted(self, peer: Peer) -> None:
        """Something was said that has a time limit of its own."""
        ...

    def asks(self, peer: Peer) -> None:
        """A request is under way."""
        ...

    def rests(self, peer: Peer) -> None:
        """No request is under way."""
        ...

    def client_behind(self, peer: Peer, fields: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address: the peer's own, or what a trusted proxy says in these header fields."""
        ...

    def is_one_person(self, host: str) -> bool:
        """Whether the address stands for one client."""
        ...


class Nobody:
    """No connection ever has to make room."""

    def greeted(self, peer: Peer) -> None:
        pass

    def asks(self, peer: Peer) -> None:
        pass

    def rests(self, peer: Peer) -> None:
        pass

    def client_behind(self, peer: Peer, fields: Iterable[tuple[bytes, bytes]]) -> str:
        return host_of(peer)

    def is_one_person(self, host: str) -> bool:
        return True


@dataclass(frozen=True)
class LayerDeps:
    """What the layer is given from outside."""

    find: Callable[[http.HTTPFlow], RequestPort | None]
    watch: Deadlines
    refuse: Refuse
    limits: ClientLimits = ClientLimits()
    wire: ClientWire = field(default_factory=NoWire)
    clock: Callable[[], float] = field(default=time.monotonic)
    refused: Callable[[RefusedHead], None] = lambda refused: None
    presence: Presence = field(default_factory=Nobody)
    bodies: Bodies = field(default_factory=Bodies)
    aside: Aside = field(default_factory=Aside)
    lines: LineBudget = field(default_factory=LineBudget)
    """For the log, of connections that end below HTTP."""
    beside: Callable[[http.Request], Fields] = lambda request: ()
    """What every answer to a request with this head says besides its own headers, whoever makes the answer."""


@dataclass
class Tick(events.Event):
    """The clock reached the deadline of somebody."""

    watched: Timed


@dataclass
class AttemptFailedHook(commands.StartHook):
    """An attempt failed and the client has seen nothing of it: the exchange names the next one or the final answer."""

    flow: http.HTTPFlow  # mitmproxy hooks carry exactly one argument


@dataclass
class TurnHook(commands.StartHook):
    """Others have a turn before this stream goes on. No addon has to know: that it is waited for is all."""

    stream: layer.Layer  # mitmproxy hooks carry exactly one argument


@dataclass
class RequestRefused(HttpEvent):
    """The body cannot be read on: the stream shall refuse its request."""

    error: GatewayError


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
