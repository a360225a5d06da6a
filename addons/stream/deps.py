"""The dependencies of the stream layer (`LayerDeps`), and the events, hooks and commands between its parts."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._base import HttpEvent

from addons.cleaning.fields import Fields
from addons.errors import GatewayError
from addons.stream.body_budget import BodyBudget
from addons.stream.connection_limits import Peer, host_of
from addons.stream.credentials import HeldCredentials
from addons.stream.log_budget import LogBudget
from addons.stream.machine_events import FromProvider, Woken
from addons.stream.port import RequestPort
from addons.stream.refusal import Refuse
from addons.upstream.http1 import Told, UpstreamCall
from addons.upstream.port import Target
from addons.upstream.upload import Upload

type Commands = layer.CommandGenerator[None]


class Held(Protocol):
    """What can be held up."""

    def hold(self) -> None: ...

    def go_on(self) -> None: ...


@dataclass
class ToStream(events.Event):
    """The event that something has come from outside of the layers for one of the connection's streams."""

    stream: HttpStream
    event: FromProvider | Woken
    provider: Held


class Timed(Protocol):
    """An object with a deadline: a stream, or a client connection whose request has only begun."""

    ending: bool
    """The gateway stops: the next tick ends this one."""

    @property
    def deadline(self) -> float: ...

    @property
    def client_id(self) -> str: ...


class Deadlines(Protocol):
    """The registry of objects whose deadlines are watched and which get ticks."""

    def add(self, watched: Timed) -> None: ...

    def discard(self, watched: Timed) -> None: ...


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits of a client request in bytes, seconds and header fields."""

    body_bytes: int = 50 * 1024 * 1024
    head_s: float = 30.0
    """For the head of a request, from its first byte."""
    body_s: float = 300.0
    """For the body of a request, from the end of its head."""
    stall_s: float = 120.0
    """For a client that has stopped reading its answer."""
    head_fields: int = 100
    """Fields in the head of a request."""
    upload_bytes: int = 512 * 1024 * 1024
    """Of a body that is passed on as it comes."""

    @property
    def body_message(self) -> str:
        limit_mb = self.body_bytes / (1024 * 1024)
        return f"the request body is larger than the limit of {limit_mb:g} MB (limits.body_mb in config.yaml)"

    @property
    def form_message(self) -> str:
        """Of a form that could not be passed on while it came."""
        return (
            f"{self.body_message}: a form may be larger where `model` (and `provider`) stand before its first file "
            "and official APIs alone serve it. Put `model` before the file, or raise limits.body_mb."
        )

    @property
    def upload_message(self) -> str:
        limit_mb = self.upload_bytes / (1024 * 1024)
        return f"the upload is larger than the limit of {limit_mb:g} MB (limits.upload_mb in config.yaml)"

    @property
    def most_bytes(self) -> int:
        """Of any body."""
        return max(self.body_bytes, self.upload_bytes)


class ClientTransport(Protocol):
    """The client's connection below HTTP, by mitmproxy's id of the client."""

    def unsent(self, client_id: str) -> int:
        """Bytes that wait until the client reads."""
        ...

    def abort(self, client_id: str) -> None:
        """Ends the connection at once; what waits is lost."""
        ...

    def hold(self, client_id: str) -> None:
        """Reads nothing more of the client's connection until `go_on`. For HTTP/1: in HTTP/2 others share it."""
        ...

    def go_on(self, client_id: str) -> None: ...

    def end_if_left(self, client_id: str) -> None:
        """Ends the connection where it is held and its client has left, of which nobody hears then."""
        ...

    def hand(self, client_id: str, event: ToStream) -> bool:
        """Hands the event to the connection's layers; False when the connection is gone.

        Where more waits for the client than is good, the provider is not read until the client has read it.
        """
        ...


class NoClientTransport:
    """The ClientTransport of a client that reads everything at once, and whose events nobody takes."""

    def unsent(self, client_id: str) -> int:
        return 0

    def abort(self, client_id: str) -> None:
        pass

    def hold(self, client_id: str) -> None:
        pass

    def go_on(self, client_id: str) -> None:
        pass

    def end_if_left(self, client_id: str) -> None:
        pass

    def hand(self, client_id: str, event: ToStream) -> bool:
        return False


class Upstream(Protocol):
    """The way to providers: addons/upstream/pool.py."""

    def call(
        self, target: Target, request: http.Request, client: Client, told: Told, upload: Upload | None = None
    ) -> UpstreamCall: ...


class NoUpstream:
    """The Upstream before anything may be sent."""

    def call(
        self, target: Target, request: http.Request, client: Client, told: Told, upload: Upload | None = None
    ) -> UpstreamCall:
        raise RuntimeError("the gateway is starting; nothing can be sent")


@dataclass(frozen=True, slots=True)
class RefusedHead:
    """A request that was refused before its head could be read: there is no flow of it, and no hook hears of it."""

    id: str
    peer: Peer
    method: str
    path: str
    """Both empty where the head does not even begin with them."""
    error: GatewayError


class ConnectionTracker(Protocol):
    """Tracks which connections, by peer address, are busy or idle: an idle one may be closed to make room."""

    def spoke(self, peer: Peer) -> None:
        """The connection has sent something that has a time limit of its own."""
        ...

    def busy(self, peer: Peer) -> None:
        """Marks the connection as one with a request under way."""
        ...

    def idle(self, peer: Peer) -> None:
        """Marks the connection as one without a request under way."""
        ...

    def client_address(self, peer: Peer, fields: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address: the peer's own, or what a trusted proxy says in these header fields."""
        ...

    def is_one_client(self, host: str) -> bool:
        """Whether the address stands for one client."""
        ...


class NoConnectionTracker:
    """The ConnectionTracker without limits: no connection is ever closed to make room."""

    def spoke(self, peer: Peer) -> None:
        pass

    def busy(self, peer: Peer) -> None:
        pass

    def idle(self, peer: Peer) -> None:
        pass

    def client_address(self, peer: Peer, fields: Iterable[tuple[bytes, bytes]]) -> str:
        return host_of(peer)

    def is_one_client(self, host: str) -> bool:
        return True


@dataclass(frozen=True)
class LayerDeps:
    """The dependencies of the stream layer."""

    find: Callable[[http.HTTPFlow], RequestPort | None]
    deadlines: Deadlines
    refuse: Refuse
    limits: ClientLimits = ClientLimits()
    upstream: Upstream = field(default_factory=NoUpstream)
    transport: ClientTransport = field(default_factory=NoClientTransport)
    clock: Callable[[], float] = field(default=time.monotonic)
    refused: Callable[[RefusedHead], None] = lambda refused: None
    tracker: ConnectionTracker = field(default_factory=NoConnectionTracker)
    body_budget: BodyBudget = field(default_factory=BodyBudget)
    credentials: HeldCredentials = field(default_factory=HeldCredentials)
    log_budget: LogBudget = field(default_factory=LogBudget)
    """For the log, of connections that end below HTTP."""
    extra_headers: Callable[[Iterable[tuple[bytes, bytes]]], Fields] = lambda fields: ()
    """What every answer to a request with this head says besides its own headers, whoever makes the answer."""
    heads_are_heard: Callable[[], bool] = lambda: True
    """Whether any addon has a hook for the head of a provider's answer: a hook that nobody has is not called."""
    wants_tls: bool = False
    """Whether clients of other machines are to speak TLS."""


@dataclass
class Tick(events.Event):
    """The event that a deadline has been reached."""

    watched: Timed


@dataclass
class AttemptFailedHook(commands.StartHook):
    """The hook of an attempt that failed before the commit point: the exchange names the next or the final error."""

    flow: http.HTTPFlow  # mitmproxy hooks carry exactly one argument


@dataclass
class YieldControlHook(commands.StartHook):
    """A hook that gives the event loop a turn before this request goes on. No addon handles it: it only is awaited."""

    request: object  # mitmproxy hooks carry exactly one argument


@dataclass
class RequestHeld(HttpEvent):
    """The event that nothing more of the body is to come for now; where it is not `held`, that more may come again."""

    held: bool


@dataclass
class RequestRefused(HttpEvent):
    """The event that the body cannot be read on: the stream refuses its request."""

    error: GatewayError
