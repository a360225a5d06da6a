"""Drives the stream layer without any I/O, in mitmproxy's own terms: events in, commands out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from mitmproxy import http
from mitmproxy import options as moptions
from mitmproxy.connection import Client, Connection, ConnectionState, Server
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.mode_specs import ReverseMode

from addons.cleaning.fields import Fields
from addons.dialects.registry import refusal
from addons.errors import GatewayError
from addons.layers.deps import LayerDeps
from addons.layers.events import Tick, ToStream
from addons.layers.layer import GatewayLayer
from addons.stream.deps import AttemptFailedHook, ClientLimits, Timed
from addons.stream.port import Beside, Fault, State, Timers, UploadReading
from addons.upstream.http1 import Http1Connection
from addons.upstream.pool import UpstreamPool
from addons.upstream.port import Cancel, Receiver, Target

TIMERS = Timers(connect_s=5, first_token_s=60, idle_s=30, total_s=600, keepalive_s=15)


class FakeAttempt:
    """Passes bytes through. `[DONE]` in them ends the answer, `[FAIL]` fails it; a status other than 200 refuses.

    Behind `[LAST]` all is said, though the end mark is missing.
    """

    def __init__(self, port: int = 9000, **timers: float) -> None:
        self.target = Target("127.0.0.1", port, tls=False)
        self.timers = Timers(**{**{n: getattr(TIMERS, n) for n in TIMERS.__slots__}, **timers})
        self.state = State.OPEN
        self.keepalive_before_first_token = False
        self.silent_until_whole = False
        self.asks_again = False
        self.closes_early = self.waits = False
        self.beside: Beside | None = None
        self.first_token_at: float | None = None
        self.keepalive = b": keep-alive\n\n"
        self.recorded: list[bytes] = []
        self.faults: list[tuple[Fault, str]] = []
        self.refused = False
        self.streaming = True
        self.ended = False
        self.later: list[bytes] = []
        """What it has not read of what it was given."""

    def wire_request(self, request: http.Request) -> http.Request:
        copy = request.copy()
        copy.headers["authorization"] = "Bearer the-real-secret"
        return copy

    def head(self, response: http.Response) -> None:
        self.refused = response.status_code != 200

    def data(self, chunk: bytes) -> bytes:
        self.recorded.append(chunk)
        if b"[FAIL]" in chunk:
            self.state = State.FAILED
            return b""
        if b"[DONE]" in chunk:
            self.state = State.DONE
        self.ended = self.state is State.OPEN and (self.ended or b"[LAST]" in chunk)
        if chunk.startswith(b":"):
            return b""
        return b"" if self.refused or (not self.streaming and self.state is State.OPEN) else chunk

    @property
    def behind(self) -> bool:
        return bool(self.later) and self.state is State.OPEN

    def read_on(self) -> bytes:
        return self.data(self.later.pop(0))

    @property
    def reader(self) -> "FakeAttempt":
        return self

    def end(self) -> bytes:
        self.state = State.FAILED if self.refused else State.DONE
        return b""

    def is_lost(self, fault: Fault, detail: str, wake: Callable[[], object]) -> bool:
        return False

    def more(self) -> bytes:
        return b""

    def settle(self) -> bytes:
        self.state, self.ended, self.closes_early = State.DONE, False, True
        return b"settled"

    def fault(self, fault: Fault, detail: str) -> None:
        self.faults.append((fault, detail))
        self.state = State.FAILED

    def response_head(self, body: bytes | None) -> http.Response:
        if body is not None:
            return http.Response.make(200, body, {"content-type": "application/json"})
        head = http.Response.make(200, b"", {"content-type": "text/event-stream"})
        del head.headers["content-length"]
        return head

    def final_error_bytes(self) -> bytes:
        return b"data: {last words}\n\n"


def layer_options() -> moptions.Options:
    """The options that the layers read, as the gateway sets them."""
    options = moptions.Options()
    options.add_option("connection_strategy", str, "lazy", "")
    options.add_option("keep_host_header", bool, True, "")
    options.add_option("validate_inbound_headers", bool, True, "")
    options.add_option("body_size_limit", str | None, None, "")
    options.add_option("stream_large_bodies", str | None, None, "")
    options.add_option("store_streamed_bodies", bool, False, "")
    options.add_option("websocket", bool, True, "")
    options.add_option("rawtcp", bool, True, "")
    options.add_option("http2_ping_keepalive", int, 58, "")
    return options


@dataclass
class FakePort:
    attempts: list[FakeAttempt]
    attempt: FakeAttempt | None = None
    answer: http.Response | None = None
    left: bool = False
    uploading: UploadReading | None = None

    refusal: tuple[int, str | None] | None = None

    def refused(self, error: GatewayError, request_id: str) -> None:
        self.refusal = (error.status, error.code)

    def client_left(self) -> None:
        self.left = True


class WatchSet(set[Timed]):
    """The Deadlines of the layer, open to the test."""


@dataclass
class FakeWire:
    """The client's side of the wire: how much waits for it, and whether it was ended. `feed` is the layers' side."""

    feed: Callable[[events.Event], None]
    waiting: int = 0
    aborted: bool = False
    is_held: bool = False
    has_left: bool = False
    """The client has, though nobody has read up to that."""

    def unsent(self, client_id: str) -> int:
        return self.waiting

    def abort(self, client_id: str) -> None:
        self.aborted = True

    def hold(self, client_id: str) -> None:
        self.is_held = True

    def go_on(self, client_id: str) -> None:
        self.is_held = False

    def end_if_left(self, client_id: str) -> None:
        self.aborted = self.aborted or (self.is_held and self.has_left)

    def hand(self, client_id: str, event: ToStream) -> bool:
        self.feed(event)
        return True


class Side(Protocol):
    """Whose call goes over a connection: a client's, or the gateway's own."""

    def of_client(self, client: Client) -> "Side":
        """The side of that client, where several share a gateway."""
        ...

    def take(self, link: "FakeLink") -> None:
        """It is one of this client's from now on."""
        ...

    def run(self) -> None:
        """Lets happen what is to come."""
        ...

    def provider_gets(self, link: "FakeLink", data: bytes) -> None: ...

    def provider_left(self, link: "FakeLink") -> None: ...


class FakeLink:
    """A connection to a provider, in the test's hands."""

    def __init__(self, drive: Side, target: Target, connection: Http1Connection) -> None:
        self._drive = drive
        self.receiver = connection
        self.server = Server(address=(target.host, target.port))
        self.is_paused = False
        self.is_over = False
        self.waiting = 0
        """Bytes that the provider has not read."""
        self.line: Any = None
        """Where a site answers: the site's end."""
        drive.take(self)

    def write(self, data: bytes) -> None:
        assert self.receiver.call
        self._drive = self._drive.of_client(self.receiver.call.client)
        self._drive.take(self)
        self._drive.provider_gets(self, data)

    def unsent(self) -> int:
        return self.waiting

    def has_unread(self) -> bool:
        return self.is_over

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def ends(self) -> None:
        """The provider closes it."""
        if not self.is_over:
            self.is_over = True
            self.server.state = ConnectionState.CLOSED
            self.receiver.closed()
            self._drive.run()

    def close(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.server.state = ConnectionState.CLOSED
            self._drive.provider_left(self)


@dataclass
class Drive:
    """One client connection. `hold` names hooks that stay pending until `complete` is called."""

    attempts: list[FakeAttempt]
    connect_error: str | None = None
    hold: set[str] = field(default_factory=set)
    plan: bool = True
    body_limit: int = 1000
    alpn: bytes | None = None
    at_head: http.Response | None = None
    """The answer that the hook for the head gives."""
    heads_are_heard: bool = True
    """Whether an addon has a hook for the head of a provider's answer."""
    extra_headers: Fields = ()
    """What the gateway wants every answer to say."""
    wants_tls: bool = False
    peer: str = "127.0.0.1"
    """Where the client is."""
    now: float = 1000.0
    log: list[str] = field(default_factory=list)
    sent: dict[Connection, bytes] = field(default_factory=dict)
    closed: list[Connection] = field(default_factory=list)
    half_closed: list[Connection] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    """What the layers had mitmproxy log."""
    servers: list[Server] = field(default_factory=list)
    pending: list[commands.Command] = field(default_factory=list)
    flows: list[http.HTTPFlow] = field(default_factory=list)
    queue: list[events.Event] = field(default_factory=list)
    busy: bool = False

    def __post_init__(self) -> None:
        options = layer_options()
        self.client = Client(
            peername=(self.peer, 1234), sockname=("127.0.0.1", 8080), timestamp_start=1.0, state=ConnectionState.OPEN
        )
        self.client.alpn = self.alpn
        self.client.proxy_mode = ReverseMode.parse("reverse:http://127.0.0.1:1")
        context = Context(self.client, options)
        context.server.address = ("127.0.0.1", 1)
        self.watch = WatchSet()
        self.wire = FakeWire(self.feed)
        self.links: dict[Server, FakeLink] = {}
        self.soon: list[Callable[[], None]] = []
        self.waiting_links: list[FakeLink] = []
        self.port = FakePort(list(self.attempts))
        self.layer = self._outermost(context)
        self.feed(events.Start())

    def _outermost(self, context: Context) -> Any:
        """The layer that is given the events of the connection: a GatewayLayer, but for the harness."""
        self.upstream = UpstreamPool(self.connect, lambda: self.now)
        self.deps = LayerDeps(
            lambda flow: self.port,
            self.watch,
            refusal,
            ClientLimits(body_bytes=self.body_limit),
            self.upstream,
            transport=self.wire,
            clock=lambda: self.now,
            extra_headers=lambda request: self.extra_headers,
            heads_are_heard=lambda: self.heads_are_heard,
            wants_tls=self.wants_tls,
        )
        return GatewayLayer(context, HTTPMode.transparent, self.deps)

    # -- what the world does --------------------------------------------------------------------------------------
    def feed(self, event: events.Event) -> None:
        """Commands take effect as they are given, as in mitmproxy; the events they cause come afterwards."""
        self.queue.append(event)
        self.run()

    def run(self) -> None:
        """Lets happen what is to come."""
        if self.busy:
            return
        self.busy = True
        try:
            while self.queue or self.soon:
                if self.queue:
                    for command in self.layer.handle_event(self.queue.pop(0)):
                        self._do(command)
                else:
                    self.soon.pop(0)()
        finally:
            self.busy = False

    def client_sends(self, data: bytes) -> None:
        self.feed(events.DataReceived(self.client, data))

    def post(self, body: bytes = b"{}", version: str = "HTTP/1.1") -> None:
        head = f"POST /v1/chat/completions {version}\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
        self.client_sends(head.encode() + body)

    def client_leaves(self) -> None:
        self.client.state = ConnectionState.CLOSED
        self.feed(events.ConnectionClosed(self.client))

    def server_sends(self, data: bytes, server: int = -1) -> None:
        link = self.links[self.servers[server]]
        if not link.is_over:
            link.receiver.received(data)

    def server_closes(self, server: int = -1) -> None:
        self.links[self.servers[server]].ends()

    def tick(self, seconds: float) -> None:
        """The clock moves on; streams whose deadline passed are ticked, as the sweeper does."""
        self.now += seconds
        for stream in [s for s in self.watch if s.deadline <= self.now]:
            self.feed(Tick(stream))
        self.upstream.sweep()

    def complete(self) -> None:
        """Lets the held hooks and connections go on."""
        self.complete_hooks()
        links, self.waiting_links = self.waiting_links, []
        for link in links:
            self._opened(link)

    def complete_hooks(self) -> None:
        pending, self.pending = self.pending, []
        for command in pending:
            self._complete(command)

    # -- to providers -----------------------------------------------------------------------------------------------
    def connect(self, target: Target, client: Client, receiver: Receiver) -> Cancel:
        """The Connect of the pool."""
        assert isinstance(receiver, Http1Connection)
        link = FakeLink(self, target, receiver)
        self.log.append("connect")
        if "connect" in self.hold:
            self.waiting_links.append(link)
        else:
            self.soon.append(lambda: self._opened(link))
        return link.close

    def of_client(self, client: Client) -> Side:
        return self

    def take(self, link: FakeLink) -> None:
        if link.server not in self.links:
            self.links[link.server] = link
            self.servers.append(link.server)

    def _opened(self, link: FakeLink) -> None:
        if link.is_over:
            return
        if self.connect_error:
            link.is_over = True
            link.receiver.failed(self.connect_error)
        else:
            link.server.state = ConnectionState.OPEN
            link.receiver.opened(link)

    def provider_gets(self, link: FakeLink, data: bytes) -> None:
        self.sent[link.server] = self.sent.get(link.server, b"") + data

    def provider_left(self, link: FakeLink) -> None:
        self.closed.append(link.server)

    # -- what the layer wants -------------------------------------------------------------------------------------
    def _do(self, command: commands.Command) -> None:
        if isinstance(command, commands.StartHook):
            self.log.append(command.name)
            self._run_hook(command)
        elif isinstance(command, commands.SendData):
            self.sent[command.connection] = self.sent.get(command.connection, b"") + command.data
        elif isinstance(command, commands.CloseTcpConnection) and command.half_close:
            self.half_closed.append(command.connection)
            command.connection.state &= ~ConnectionState.CAN_WRITE
        elif isinstance(command, commands.CloseConnection):
            self._close(command.connection)
        else:
            assert isinstance(command, commands.Log), command
            self.logged.append(command.message)

    def _run_hook(self, command: commands.StartHook) -> None:
        self._hook(command)
        if command.name in self.hold:
            self.pending.append(command)
        else:
            self.feed(events.HookCompleted(command))

    def _hook(self, command: commands.StartHook) -> None:
        flow = command.args()[0]
        if command.name == "requestheaders":
            self.flows.append(flow)
            flow.response = self.at_head
        if (command.name == "request" and self.plan and self.at_head is None) or isinstance(command, AttemptFailedHook):
            self._next(flow)

    def _next(self, flow: http.HTTPFlow) -> None:
        if self.port.attempts:
            self.port.attempt = self.port.attempts.pop(0)
            flow.response = None
            flow.request = http.Request.make("POST", "http://127.0.0.1/chat", b"body", [(b"host", b"127.0.0.1")])
        else:
            self.port.attempt = None
            self.port.answer = http.Response.make(502, b'{"error":{}}', {"content-type": "application/json"})

    def _complete(self, command: commands.Command) -> None:
        assert isinstance(command, commands.StartHook)
        self.feed(events.HookCompleted(command))

    def _close(self, connection: Connection) -> None:
        was_open = connection.state is ConnectionState.OPEN
        connection.state = ConnectionState.CLOSED
        self.closed.append(connection)
        if was_open:
            self.feed(events.ConnectionClosed(connection))

    # -- what came of it ------------------------------------------------------------------------------------------
    @property
    def to_client(self) -> bytes:
        return self.sent.get(self.client, b"")

    def to_server(self, server: int = -1) -> bytes:
        return self.sent.get(self.servers[server], b"")

    def client_closed(self) -> bool:
        """Whether the client's answers have come to an end."""
        return self.client in self.closed or self.client in self.half_closed


type Check = Callable[[Drive], None]
