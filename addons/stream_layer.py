"""The stream layer: several upstream attempts behind one client request, inside mitmproxy.

The only file that touches mitmproxy's inner classes. It is mechanism alone: what an attempt sends, what the bytes mean
and what follows a failure is asked of a Relay (addons/relay.py) through `Gear.find` and AttemptFailedHook.

  - An attempt has a (negative) id of its own; late words of one that was given up match nothing and are dropped.
  - Nothing reaches the client before the relay gives its first bytes: that is the commit point.
  - One Tick event serves every timer of a stream. Ticks come from a single sweep over all streams (addons/sweeper.py).
  - A flow without a relay never gets a connection.
"""

import asyncio
import collections
import itertools
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from typing import Protocol, cast

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.net.http import http1
from mitmproxy.net.http.validate import validate_headers
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer, modes
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    HttpLayer,
    HTTPMode,
    HttpStream,
    SendHttp,
)
from mitmproxy.proxy.layers.http._base import HttpCommand, HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.server import ConnectionHandler

from addons.relay import Fault, Relay, State, Ticket

FITTING_MITMPROXY = "12.2."
HEAD_LIMIT_BYTES = 64 * 1024
DRAIN_S = 1.0
"""How long an answered attempt may take to end its body properly, so that its connection can serve again."""
OVERRUN_BYTES = 32 * 1024 * 1024
"""How much of a refused body is still swallowed, so that the client reads the refusal before the connection ends."""

type Commands = layer.CommandGenerator[None]


class UnfitMitmproxy(RuntimeError):
    """The installed mitmproxy is not one this layer was made for."""


def check_mitmproxy() -> None:
    """Raises UnfitMitmproxy when the inner classes of the installed version may differ from those used here."""
    found = installed_version("mitmproxy")
    if not found.startswith(FITTING_MITMPROXY):
        raise UnfitMitmproxy(
            f"mitmproxy {found} is installed, but Glassgate's stream layer is made for {FITTING_MITMPROXY}x. "
            "Install the locked version: ./run_proxy.sh does it, or pip install -r requirements.lock."
        )


@dataclass
class AttemptFailedHook(commands.StartHook):
    """An attempt failed and the client has seen nothing of it: the exchange names the next one or the verdict."""

    flow: http.HTTPFlow  # mitmproxy hooks carry exactly one argument


@dataclass
class BindAttempt(HttpCommand):
    attempt: int
    stream_id: int


@dataclass
class Tick(events.Event):
    """The clock reached the deadline of a stream."""

    stream: "GatewayStream"


class Watch(Protocol):
    """Where streams with a deadline are registered for ticks."""

    def add(self, stream: "GatewayStream") -> None: ...

    def discard(self, stream: "GatewayStream") -> None: ...


@dataclass(frozen=True)
class Gear:
    """What the layer is given from outside."""

    find: Callable[[http.HTTPFlow], Ticket | None]
    watch: Watch
    body_limit_bytes: int
    clock: Callable[[], float] = field(default=time.monotonic)


def choose_layer(nextlayer: layer.NextLayer, gear: Gear) -> None:
    """Puts our layer on a reverse-mode connection; plain HTTP and TLS (HTTP/1.1 and h2) clients alike."""
    context = nextlayer.context
    if nextlayer.layer or not isinstance(context.layers[-1], modes.ReverseProxy):
        if isinstance(context.layers[-1], ClientTLSLayer) and not nextlayer.layer:
            nextlayer.layer = GatewayLayer(context, HTTPMode.transparent, gear)
        return
    stack = tunnel.LayerStack()
    if starts_like_tls_record(nextlayer.data_client()):
        stack /= ClientTLSLayer(context)
    stack /= GatewayLayer(context, HTTPMode.transparent, gear)
    nextlayer.layer = stack[0]


def lift_connection_limit(handler: ConnectionHandler, most: int = 1000) -> None:
    """mitmproxy opens five connections to an address for a client connection; an h2 client may have more streams."""
    handler.max_conns = collections.defaultdict(lambda: asyncio.Semaphore(most))


def error_body(message: str, code: str) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return json.dumps({"error": error}).encode()


def error_response(status: int, message: str, code: str) -> http.Response:
    headers = {"content-type": "application/json", "connection": "close", "x-request-id": f"req_{uuid.uuid4().hex}"}
    return http.Response.make(status, error_body(message, code), headers)


class JsonHttp1Server(Http1Server):
    """mitmproxy's HTTP/1 server side, saying its refusals in JSON and bounding the request head."""

    def send(self, event: HttpEvent) -> Commands:
        if isinstance(event, ResponseProtocolError) and not self.response:
            status = event.code.http_status_code()
            if status is not None and self.conn.connected:
                yield commands.SendData(self.conn, self._refusal(status, event.message))
            yield commands.CloseConnection(self.conn)
            return
        yield from super().send(event)

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        if len(self.buf) > HEAD_LIMIT_BYTES and b"\r\n\r\n" not in bytes(self.buf)[:HEAD_LIMIT_BYTES]:
            message = f"the request's head is larger than {HEAD_LIMIT_BYTES // 1024} KB"
            yield commands.SendData(self.conn, self._refusal(431, message))
            yield commands.CloseConnection(self.conn)
            self.state = self.done
            return
        for command in super().read_headers(event):
            if isinstance(command, commands.SendData) and self.response is None and command.connection is self.conn:
                yield commands.SendData(self.conn, self._refusal(400, "the request's head is malformed"))
            else:
                yield command

    @staticmethod
    def _refusal(status: int, message: str) -> bytes:
        raw: bytes = http1.assemble_response(error_response(status, message, "bad_http_request"))
        return raw


class GatewayLayer(HttpLayer):
    """mitmproxy's HTTP layer with our streams, attempt ids and ticks."""

    def __init__(self, context: Context, mode: HTTPMode, gear: Gear) -> None:
        super().__init__(context, mode)
        self.gear = gear
        self.draining: dict[int, Server] = {}

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._tick(event.stream)
            return
        if isinstance(event, events.Start) and self.context.client.alpn != b"h2":
            self.connections.setdefault(self.context.client, JsonHttp1Server(self.context.fork()))
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> Commands:
        self.streams[stream_id] = GatewayStream(self.context.fork(), stream_id, self.gear)
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def event_to_child(self, child: layer.Layer | HttpStream, event: events.Event) -> Commands:
        for command in super().event_to_child(child, event):
            if isinstance(command, BindAttempt):
                self.streams[command.attempt] = self.streams[command.stream_id]
            elif isinstance(command, DrainAttempt):
                self.draining[command.attempt] = command.connection
            elif isinstance(command, GiveUpConnecting):
                yield from self._give_up_connecting(command.stream)
            else:
                yield command

    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> Commands:
        yield from self.close_drains()
        yield from super().get_connection(event, reuse=reuse)

    def close_drains(self) -> Commands:
        """Closes connections whose answered attempt has still not ended its body."""
        while self.draining:
            attempt, connection = self.draining.popitem()
            handler = self.connections.get(connection)
            if handler is not None and not _is_idle(handler, attempt):
                error = RequestProtocolError(attempt, "answer complete", ErrorCode.CANCEL)
                yield from self.event_to_child(handler, error)

    def _tick(self, stream: "GatewayStream") -> Commands:
        if stream.drains_until is not None:
            self.gear.watch.discard(stream)
            yield from self.close_drains()
        elif stream.waits_for_connection:
            yield from self._give_up_connecting(stream)
        else:
            yield from self.event_to_child(stream, Tick(stream))

    def _give_up_connecting(self, stream: "GatewayStream") -> Commands:
        """Closes the half-open connection; mitmproxy then reports the attempt to connect as failed."""
        for connection, waiting in self.waiting_for_establishment.items():
            if any(self.command_sources.get(command) is stream for command in waiting):
                yield commands.CloseConnection(connection)
                return


def _is_idle(handler: layer.Layer, attempt: int) -> bool:
    """Whether an HTTP/1 connection has already ended the attempt's answer (an h2 one is never left hanging)."""
    innermost = handler.context.layers[-1]
    return getattr(innermost, "stream_id", attempt) != attempt


@dataclass
class DrainAttempt(HttpCommand):
    attempt: int
    connection: Server


@dataclass
class GiveUpConnecting(HttpCommand):
    stream: "GatewayStream"


class GatewayStream(HttpStream):
    """One client request and its attempts."""

    attempt_ids = itertools.count(-1, -1)

    def __init__(self, context: Context, stream_id: int, gear: Gear) -> None:
        super().__init__(context, stream_id)
        self.gear = gear
        self.ticket: Ticket | None = None
        self.relay: Relay | None = None
        self.attempt: int | None = None
        self.committed = False
        self.deadline = float("inf")
        self.drains_until: float | None = None
        self.waits_for_connection = False
        self.ending = False
        """The gateway stops: the next tick ends this stream."""
        self._began = gear.clock()
        self._attempt_began = 0.0
        self._last_heard = 0.0
        self._last_said = 0.0
        self._refused_bytes: int | None = None

    @property
    def client_id(self) -> str:
        return self.context.client.id

    # -- events in ------------------------------------------------------------------------------------------------
    def handle_event(self, event: events.Event) -> Commands:
        # While a hook plans an attempt, this layer is paused and its events wait; a client that leaves must not.
        if self._paused and isinstance(event, RequestProtocolError) and hasattr(self, "flow"):
            if ticket := self.gear.find(self.flow):
                ticket.client_left()
            if self.waits_for_connection:
                yield GiveUpConnecting(self)
        yield from super().handle_event(event)

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._on_tick()
        elif isinstance(event, HttpEvent) and event.stream_id < 0 and event.stream_id != self.attempt:
            pass  # a late word of an attempt that was given up
        else:
            yield from super()._handle_event(event)

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:
        """Refuses a request body over the limit in JSON. The provider's body is bounded by the relay."""
        if not request:
            return False
        size = len(self.request_body_buf)
        if not size:
            size = http1.expected_http_body_size(self.flow.request) or 0
        if size <= self.gear.body_limit_bytes:
            return False
        limit_mb = self.gear.body_limit_bytes / (1024 * 1024)
        message = f"the request body is larger than the limit of {limit_mb:g} MB (limits.body_mb in config.yaml)"
        self.flow.response = error_response(413, message, "request_too_large")
        self.request_body_buf.clear()
        self._refused_bytes = 0
        self.client_state = self.state_swallow_body
        self.flow.error = mflow.Error("request body too large")
        yield HttpErrorHook(self.flow)
        self.flow.live = False
        yield SendHttp(ResponseHeaders(self.stream_id, self.flow.response), self.context.client)
        yield SendHttp(ResponseData(self.stream_id, self.flow.response.raw_content or b""), self.context.client)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)
        return True

    def state_swallow_body(self, event: events.Event) -> Commands:
        if isinstance(event, RequestData):
            self._refused_bytes = (self._refused_bytes or 0) + len(event.data)
            if self._refused_bytes > OVERRUN_BYTES:
                self.client_state = self.state_errored
                yield commands.CloseConnection(self.context.client)
        elif isinstance(event, RequestEndOfMessage):
            self.client_state = self.state_errored
            yield DropStream(self.stream_id)
            yield commands.CloseConnection(self.context.client)

    def state_consume_request_body(self, event: events.Event) -> Commands:
        if not isinstance(event, RequestEndOfMessage):
            yield from super().state_consume_request_body(event)
            return
        self.flow.request.timestamp_end = time.time()
        self.flow.request.data.content = bytes(self.request_body_buf)
        self.request_body_buf.clear()
        self.client_state = self.state_done
        yield HttpRequestHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self._next_step()

    def _next_step(self) -> Commands:
        """After a hook: the next attempt, the client's verdict, or (no plan) a refusal. Nothing else is possible."""
        self.ticket = self.gear.find(self.flow)
        self.relay = self.ticket.relay if self.ticket else None
        if self.ticket and self.ticket.verdict:
            yield from self._answer_apart(self.ticket.verdict)
        elif self.flow.response:
            yield from self._answer_locally()
        elif self.relay:
            yield from self._start_attempt(self.relay)
        else:
            message = "the gateway failed before it had a plan for this request; nothing was sent. See its log."
            self.flow.response = error_response(500, message, "internal_error")
            yield from self._answer_locally()

    # -- attempts -------------------------------------------------------------------------------------------------
    def _start_attempt(self, relay: Relay) -> Commands:
        self._attempt_began = self._last_heard = self._last_said = self.gear.clock()
        self.deadline = self._attempt_began + relay.timers.connect_s
        self.gear.watch.add(self)
        target = relay.target
        self.waits_for_connection = True
        connection, err = yield GetHttpConnection((target.host, target.port), target.tls, target.via, "tcp")
        self.waits_for_connection = False
        if any(isinstance(event, RequestProtocolError) for event in self._paused_event_queue):
            self.relay = None
            self._unwatch()
            return  # the client left meanwhile; its own event comes next
        if err:
            yield from self._fail_attempt(*self._connect_fault(err))
            return
        self.context.server = self.flow.server_conn = connection
        self.attempt = next(self.attempt_ids)
        self.server_state = self.state_wait_for_response_headers
        yield BindAttempt(self.attempt, self.stream_id)
        head = relay.wire_request(self.flow.request)
        content = head.raw_content or b""
        self._set_deadline()
        yield SendHttp(RequestHeaders(self.attempt, head, not content), connection)
        if content:
            yield SendHttp(RequestData(self.attempt, content), connection)
        yield SendHttp(RequestEndOfMessage(self.attempt), connection)

    def _connect_fault(self, err: str) -> tuple[Fault, str]:
        assert self.relay
        if self.gear.clock() - self._attempt_began >= self.relay.timers.connect_s:
            return Fault.CONNECT_TIMEOUT, err
        is_tls = "tls" in err.lower() or "certificate" in err.lower()
        return (Fault.TLS if is_tls else Fault.CONNECT), err

    def _drop_attempt(self, reason: str) -> Commands:
        """Forgets the attempt and closes its connection: nothing of it is wanted any more."""
        if self.attempt is None:
            return
        attempt, self.attempt = self.attempt, None
        if self.context.server.connected:
            yield SendHttp(RequestProtocolError(attempt, reason, ErrorCode.CANCEL), self.context.server)
        yield DropStream(attempt)

    def _fail_attempt(self, fault: Fault, detail: str) -> Commands:
        if self.relay and self.relay.state is not State.FAILED:
            self.relay.fault(fault, detail)
        yield from self._drop_attempt(detail)
        self._unwatch()
        self._keep_provider_body()
        yield AttemptFailedHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self._next_step()

    # -- the provider answers -------------------------------------------------------------------------------------
    def state_wait_for_response_headers(self, event: events.Event) -> Commands:
        if not isinstance(event, ResponseHeaders) or self.relay is None:
            return
        try:
            validate_headers(event.response)
        except ValueError as e:
            yield from self._broken(Fault.PROTOCOL, f"the provider's headers are not valid: {e}")
            return
        self.relay.head(event.response)  # seals secrets before any other addon sees the flow
        self.flow.response = event.response
        self._last_heard = self.gear.clock()
        self.server_state = self.state_read_answer
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            yield from self._drop_attempt("killed")
            return
        yield from self._advance(b"")

    def state_read_answer(self, event: events.Event) -> Commands:
        relay = self.relay
        if relay is None:
            return
        if isinstance(event, ResponseData):
            self._last_heard = self.gear.clock()
            yield from self._advance(relay.data(event.data))
        elif isinstance(event, ResponseEndOfMessage):
            ended, self.attempt = self.attempt, None
            if ended is not None:
                yield DropStream(ended)
            yield from self._advance(relay.end())

    def _advance(self, out: bytes) -> Commands:
        relay = self.relay
        assert relay
        if out:
            yield from self._emit(out)
        if relay.state is State.DONE:
            yield from self._finish()
        elif relay.state is State.FAILED:
            yield from self._broken(Fault.PROTOCOL, "the provider's answer failed")

    def _broken(self, fault: Fault, detail: str) -> Commands:
        """The attempt is over without an answer: a last word after the commit, else the next attempt."""
        assert self.relay
        if not self.committed:
            yield from self._fail_attempt(fault, detail)
            return
        if self.relay.state is not State.FAILED:
            self.relay.fault(fault, detail)
        yield from self._drop_attempt(detail)
        yield SendHttp(ResponseData(self.stream_id, self.relay.last_words()), self.context.client)
        yield from self._finish()

    def _emit(self, data: bytes) -> Commands:
        assert self.relay
        if not self.committed:
            self.committed = True
            head = self.relay.client_head(None if self.relay.streaming else data)
            if self.relay.streaming and not self._client_speaks_h2:
                self._frame_by_chunks(head)
            yield SendHttp(ResponseHeaders(self.stream_id, head, end_stream=False), self.context.client)
        self._last_said = self.gear.clock()
        self._set_deadline()
        yield SendHttp(ResponseData(self.stream_id, data), self.context.client)

    @property
    def _client_speaks_h2(self) -> bool:
        return self.context.client.alpn == b"h2"

    def _frame_by_chunks(self, head: http.Response) -> None:
        connection = self.gear_http1_request()
        if connection is not None and connection.http_version == "HTTP/1.0":
            head.headers["connection"] = "close"
        else:
            head.headers["transfer-encoding"] = "chunked"

    def gear_http1_request(self) -> http.Request | None:
        """The client's own HTTP/1 request (flow.request is the provider's by now)."""
        parent = self.context.layers[self.context.layers.index(self) - 1]
        server = cast(GatewayLayer, parent).connections.get(self.context.client)
        return server.request if isinstance(server, Http1Server) else None

    def _finish(self) -> Commands:
        """The client's answer ends; an attempt still open may end its own within DRAIN_S."""
        self._keep_provider_body()
        if self.relay and self.relay.cut_short:
            yield from self._drop_attempt("limit reached")
        if self.attempt is not None:
            attempt, self.attempt = self.attempt, None
            yield DropStream(attempt)
            if self.context.server.connected:
                yield DrainAttempt(attempt, self.context.server)
                self.drains_until = self.deadline = self.gear.clock() + DRAIN_S
        if self.drains_until is None:
            self._unwatch()
        if self.flow.response:
            self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        self.server_state = self.state_done
        self.flow.live = False
        yield DropStream(self.stream_id)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    def _keep_provider_body(self) -> None:
        if self.relay and self.flow.response:
            self.flow.response.data.content = b"".join(self.relay.recorded)

    # -- answers of the gateway itself ----------------------------------------------------------------------------
    def _answer_locally(self) -> Commands:
        assert self.flow.response
        self._unwatch()
        self.flow.response.timestamp_start = time.time()
        yield HttpResponseHeadersHook(self.flow)
        yield from self.send_response()

    def _answer_apart(self, verdict: http.Response) -> Commands:
        """Sends `verdict` to the client; flow.response stays what the provider answered, when it answered."""
        if self.flow.response is None:
            self.flow.response = verdict
            yield from self._answer_locally()
            return
        self._unwatch()
        self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        self.server_state = self.state_done
        self.flow.live = False
        content = verdict.raw_content or b""
        yield SendHttp(ResponseHeaders(self.stream_id, verdict, not content), self.context.client)
        if content:
            yield SendHttp(ResponseData(self.stream_id, content), self.context.client)
        yield DropStream(self.stream_id)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    # -- timers ---------------------------------------------------------------------------------------------------
    def _set_deadline(self) -> None:
        """The earliest moment at which `_on_tick` could have something to do."""
        assert self.relay
        timers = self.relay.timers
        due = self._began + timers.total_s
        if self.committed:
            due = min(due, self._last_said + timers.keepalive_s, self._last_heard + timers.idle_s)
        else:
            due = min(due, self._attempt_began + timers.first_token_s)
            if self.relay.commits_early:
                due = min(due, self._last_said + timers.keepalive_s)
        self.deadline = due

    def _on_tick(self) -> Commands:
        relay = self.relay
        if relay is None or self.attempt is None:
            return
        now, timers = self.gear.clock(), relay.timers
        if self.ending:
            yield from self._broken(Fault.STOPPED, "the gateway is shutting down")
        elif now >= self._began + timers.total_s:
            yield from self._broken(Fault.TOTAL_TIMEOUT, f"no complete answer within {timers.total_s:g} s")
        elif not self.committed and now >= self._attempt_began + timers.first_token_s:
            yield from self._broken(Fault.FIRST_TOKEN_TIMEOUT, f"no word within {timers.first_token_s:g} s")
        elif self.committed and not relay.commits_early and now >= self._last_heard + timers.idle_s:
            yield from self._broken(Fault.IDLE_TIMEOUT, f"silence for {timers.idle_s:g} s")
        elif (self.committed or relay.commits_early) and now >= self._last_said + timers.keepalive_s:
            yield from self._emit(relay.keepalive)
        else:
            self._set_deadline()

    def _unwatch(self) -> None:
        self.deadline = float("inf")
        self.gear.watch.discard(self)

    # -- failures of either side ----------------------------------------------------------------------------------
    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> Commands:
        if isinstance(event, RequestProtocolError):
            yield from self._client_left(event.message)
        elif self.attempt is None:
            yield from super().handle_protocol_error(event)
        else:
            # A body cut short by the end of its connection is reported as an error of the protocol too.
            broken = "protocol error" in event.message.lower() and "peer closed" not in event.message.lower()
            fault = Fault.PROTOCOL if broken else Fault.CLOSED
            self.attempt = None  # its connection is gone already
            yield DropStream(event.stream_id)
            yield from self._broken(fault, event.message)

    def _client_left(self, message: str) -> Commands:
        self._unwatch()
        yield from self._drop_attempt(message)
        done = self.server_state in (self.state_done, self.state_errored)
        self.client_state = self.server_state = self.state_errored
        if not done:
            self._keep_provider_body()
            self.flow.error = mflow.Error(message)
            yield HttpErrorHook(self.flow)
        self.flow.live = False
        yield DropStream(self.stream_id)
