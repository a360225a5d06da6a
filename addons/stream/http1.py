"""The HTTP/1 server layer: every head, body and pause bounded, refusals in JSON, and no word of a credential kept.

mitmproxy parses the heads and we check them first; what is refused here never becomes a flow. A connection whose
request is refused before it is whole is hung up at once: what still comes is dropped for a moment, so that the client
reads the refusal, and then the connection is closed.
"""

from collections.abc import Sequence
from typing import Final

from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Server

from addons.errors import GatewayError
from addons.framing.chunks import FRAMING_BYTES, read_on, reader_of
from addons.framing.lines import Bound, LineBuffer, TooLarge
from addons.stream.connection_limits import Peer, is_same_machine
from addons.stream.deps import Commands, LayerDeps, RefusedHead, RequestHeld, RequestRefused, Tick
from addons.stream.refusal import add_missing, closing
from addons.stream.request_head import HEAD_BYTES, HeadRefused, fields_in, method_and_path, read_head
from addons.stream.small_queue import SmallQueue

BEGINNING_BYTES: Final = 1024
"""What is kept of a head that is refused, to tell what was asked for."""
BLANK_BYTES: Final = 64
"""Blank lines before a request; some clients send one behind a body."""
PIPELINED_BYTES: Final = 256 * 1024
"""What is kept of requests that a client sends before it has its answer."""
LINGER_BYTES: Final = 1024 * 1024
LINGER_S: Final = 1.0
"""How much of a refused request is still read past, and for how long."""

PLAIN: Final = (
    "this port speaks https: use https:// in the base URL. What was sent now could be read on its way; if a key was in "
    "it, get another"
)


class JsonHttp1Server(Http1Server):
    """One client connection. States: read_headers, read_body (or drop_body), wait (for the answer), linger, done."""

    def __init__(self, context: Context, deps: LayerDeps) -> None:
        super().__init__(context)
        self._paused_event_queue = SmallQueue()  # type: ignore[assignment]
        self.deps = deps
        self.buf: LineBuffer = LineBuffer()
        self.deadline = float("inf")
        self.ending = False
        self._peer: Peer = self.conn.peername or ()
        self._head: Sequence[bytes] = ()
        """The lines of a head until it is read."""
        self._blank_bytes = 0
        self._body_bytes = 0
        self._linger_bytes = 0
        self._owed_bytes: int | None = None
        """Of the body of a whole answer, what the client does not have yet; None for a stream or before an answer."""
        self._is_chunked = False
        """The body of the answer goes out in chunks."""
        self._deaf = False
        """The client sent more in advance than is kept: its connection ends with this answer."""

    @property
    def client_id(self) -> str:
        return self.context.client.id

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._on_tick()
            return
        yield from super()._handle_event(event)
        if not isinstance(event, ResponseData):  # a stream's pieces: they are many, and no head begins with them
            self._watch_head()

    # -- time -----------------------------------------------------------------------------------------------------
    def _watch_head(self) -> None:
        """Sets the deadline of a head that has begun; a quiet connection between requests may wait."""
        if self.state == self.linger:
            return
        if self.state == self.read_headers and (self.buf or self._blank_bytes):
            if self.deadline == float("inf"):
                self.deps.tracker.spoke(self._peer)
                self._watch(self.deps.limits.head_s)
        elif self.deadline != float("inf"):
            self._unwatch()

    def _watch(self, seconds: float) -> None:
        self.deadline = self.deps.clock() + seconds
        self.deps.deadlines.add(self)

    def _unwatch(self) -> None:
        self.deadline = float("inf")
        self.deps.deadlines.discard(self)

    def _on_tick(self) -> Commands:
        late = self.deps.clock() >= self.deadline
        if late and self.state == self.read_headers and self.buf:
            yield from self._refuse(408, f"the request's head did not arrive within {self.deps.limits.head_s:g} s")
        elif (late and self.state == self.read_headers) or (self.state == self.linger and (late or self.ending)):
            yield from self._close()
        elif late or self.ending:
            self._unwatch()

    # -- refusals and the end -------------------------------------------------------------------------------------
    def _refuse(self, status: int, message: str, code: str = "bad_http_request") -> Commands:
        """Refuses what has not become a flow; it is told here, since no hook will."""
        head = self._head or bytes(self.buf)[:HEAD_BYTES].splitlines()
        method, path = method_and_path(head[0][:BEGINNING_BYTES] if head else b"")
        error = GatewayError(status, message, code=code)
        fields = fields_in(head)
        answer = closing(self.deps.refuse, path, error, fields)
        add_missing(answer, self.deps.extra_headers(fields))
        self.deps.refused(RefusedHead(answer.headers["x-request-id"], self._peer, method, path, error))
        if self.conn.state & ConnectionState.CAN_WRITE:
            yield commands.SendData(self.conn, http1.assemble_response(answer))
        yield from self._hang_up()

    def _hang_up(self) -> Commands:
        """Ends our side of the connection; what the client still sends is dropped within bounds."""
        self.buf = LineBuffer()
        self.state = self.linger
        self._linger_bytes = LINGER_BYTES
        self._watch(LINGER_S)
        self.deps.tracker.idle(self._peer)
        yield commands.CloseTcpConnection(self.conn, half_close=True)

    def linger(self, event: events.Event) -> Commands:
        if isinstance(event, events.DataReceived):
            self._linger_bytes -= len(self.buf)
            self.buf = LineBuffer()
        if isinstance(event, events.ConnectionClosed) or self._linger_bytes < 0:
            yield from self._close()

    def _close(self) -> Commands:
        self._unwatch()
        self.state = self.done
        if self.conn.state is not ConnectionState.CLOSED:
            yield commands.CloseConnection(self.conn)

    # -- requests in ----------------------------------------------------------------------------------------------
    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        if isinstance(event, events.ConnectionClosed):
            yield from self._close()
            return
        try:
            self._blank_bytes += self.buf.skip_blank_lines()
            if self._blank_bytes > BLANK_BYTES:
                raise TooLarge("blank lines and nothing else")
            lines = self.buf.take_lines(Bound(HEAD_BYTES, self.deps.limits.head_fields + 1)) if self.buf else None
        except TooLarge:
            bounds = f"{HEAD_BYTES // 1024} KB and {self.deps.limits.head_fields} fields (limits.header_fields)"
            yield from self._refuse(431, f"the request's head is too large: at most {bounds} are read")
            return
        if lines is None:
            return
        self._head = lines
        try:
            self.request, size = read_head(lines)
        except HeadRefused as refused:
            yield from self._refuse(refused.status, str(refused))
            return
        if self.deps.wants_tls and not self.conn.tls and not is_same_machine(self._peer, self.conn.sockname or ()):
            yield from self._refuse(400, PLAIN, "https_required")
            return
        self.deps.credentials.put(self.request)
        self.deps.tracker.spoke(self._peer)
        self.deps.tracker.busy(self._peer)
        self._blank_bytes, self._body_bytes, self._head, self._owed_bytes = 0, 0, (), None
        self.body_reader = reader_of(size)  # type: ignore[assignment]
        self.state = self.read_body
        yield ReceiveHttp(RequestHeaders(self.stream_id, self.request, size == 0))
        if self.state == self.read_body:
            yield from self.read_body(event)

    def read_body(self, event: events.Event) -> Commands:
        if not isinstance(event, events.DataReceived):
            yield from super().read_body(event)
            return
        before = len(self.buf)
        found = read_on(self.body_reader, self.buf)
        self._body_bytes += before - len(self.buf)
        for piece in found.pieces:
            yield ReceiveHttp(RequestData(self.stream_id, piece))
        if self.state != self.read_body:
            return  # the stream has refused it
        if self._body_bytes > self.deps.limits.most_bytes + FRAMING_BYTES:
            yield from self._give_up_body(GatewayError(413, self.deps.limits.body_message, code="request_too_large"))
        elif found.fault:
            message = f"the request's body is malformed: {found.fault}"
            yield from self._give_up_body(GatewayError(400, message, code="bad_http_request"))
        elif found.ended:
            yield ReceiveHttp(RequestEndOfMessage(self.stream_id))
            yield from self.mark_done(request=True)

    def _give_up_body(self, error: GatewayError) -> Commands:
        """The stream says why; until then what comes is dropped."""
        self.buf = LineBuffer()
        self.state = self.drop_body
        yield ReceiveHttp(RequestRefused(self.stream_id, error))

    def drop_body(self, event: events.Event) -> Commands:
        if isinstance(event, events.DataReceived):
            self.buf = LineBuffer()
        else:
            yield from super().read_body(event)

    def wait(self, event: events.Event) -> Commands:
        # A client that has all of its answer goes on, though the gateway has still to note that it is over.
        answered = self._owed_bytes is not None and self._owed_bytes <= 0
        most = max(self.deps.limits.body_bytes, PIPELINED_BYTES) if answered else PIPELINED_BYTES
        if len(self.buf) > most:
            self._deaf = True
            self.buf = LineBuffer()
        yield from super().wait(event)

    # -- answers out ----------------------------------------------------------------------------------------------
    def send(self, event: HttpEvent) -> Commands:
        if self.state in (self.linger, self.done):
            return  # a stream that does not know yet that its client was hung up
        if isinstance(event, ResponseData):
            yield from self._send_data(event.data)
        elif isinstance(event, RequestHeld):
            (self.deps.transport.hold if event.held else self.deps.transport.go_on)(self.client_id)
        elif isinstance(event, ResponseProtocolError):
            yield from self._send_error(event)
        elif isinstance(event, ResponseHeaders) and event.response.status_code == 100:
            yield commands.SendData(self.conn, http1.assemble_response_head(event.response))
        else:
            early = self.state in (self.read_body, self.drop_body)
            if isinstance(event, ResponseHeaders):
                length = event.response.headers.get("content-length", "")
                self._owed_bytes = int(length) if length.isdecimal() else None
                if early:
                    event.response.headers["connection"] = "close"
                self._is_chunked = "chunked" in event.response.headers.get("transfer-encoding", "").lower()
            yield from super().send(event)
            if early and isinstance(event, ResponseEndOfMessage):
                yield from self._hang_up()

    def _send_data(self, data: bytes) -> Commands:
        if self._owed_bytes is not None:
            self._owed_bytes -= len(data)
        if self._is_chunked:
            if not data:
                return  # as a chunk it would be the end of the body
            data = b"%x\r\n%s\r\n" % (len(data), data)
        yield commands.SendData(self.conn, data)

    def _send_error(self, event: ResponseProtocolError) -> Commands:
        status = event.code.http_status_code()
        if self.response is None and status is not None:
            yield from self._refuse(status, event.message)
        else:
            yield from self._close()

    def mark_done(self, *, request: bool = False, response: bool = False) -> Commands:
        if (request or self.request_done) and (response or self.response_done):
            self.deps.tracker.idle(self._peer)
            if self._deaf:
                yield from self._hang_up()
                return
        yield from super().mark_done(request=request, response=response)
