"""The dependencies of a request and of its client's HTTP, as ports: `StreamDeps`, and the hook of a failed attempt."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.proxy import commands

from addons.cleaning.fields import Fields
from addons.errors import GatewayError
from addons.stream.body_budget import BodyBudget
from addons.stream.connection_limits import Peer, host_of
from addons.stream.credentials import HeldCredentials
from addons.stream.log_budget import LogBudget
from addons.stream.port import RequestPort
from addons.stream.refusal import Refuse
from addons.upstream.http1 import Told, UpstreamCall
from addons.upstream.port import Target
from addons.upstream.upload import Upload


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
class StreamDeps:
    """What the stream room works with, whichever driver has the client."""

    find: Callable[[http.HTTPFlow], RequestPort | None]
    deadlines: Deadlines
    refuse: Refuse
    limits: ClientLimits = ClientLimits()
    upstream: Upstream = field(default_factory=NoUpstream)
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
class AttemptFailedHook(commands.StartHook):
    """The hook of an attempt that failed before the commit point: the exchange names the next or the final error."""

    flow: http.HTTPFlow  # mitmproxy hooks carry exactly one argument
