"""The HTTP/2 server layer: heads bounded in number, size and time, refusals in JSON, no word of a credential kept.

hyper-h2 bounds the size of a head's fields (64 KB). Frames have the protocol's own smallest limit, 16 KB, so that
little is held of a head that never ends.
"""

import logging
from collections.abc import Iterable
from typing import Final

import h2.connection
import h2.errors
import h2.events
from mitmproxy import http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestHeaders,
    RequestTrailers,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http2 import Http2Server, StreamState, format_h2_response_headers

from addons.errors import GatewayError
from addons.layers.deps import LayerDeps
from addons.layers.events import Commands, RequestHeld, Tick
from addons.stream.connection_limits import Peer, host_of
from addons.stream.deps import RefusedHead
from addons.stream.frames import BudgetSpent, FrameBudget
from addons.stream.refusal import add_missing, closing
from addons.stream.request_head import HEAD_BYTES, HeadRefused, check_head, method_and_path

log = logging.getLogger("glassgate")

FRAME_BYTES: Final = 16 * 1024
"""RFC 9113, 4.2: no peer may forbid frames of this size."""
WINDOW_BYTES: Final = 1024 * 1024
"""What a client may send of one body before it is read; of one that is held no more comes."""


class JsonHttp2Server(Http2Server):
    """One client connection."""

    def __init__(self, context: Context, deps: LayerDeps) -> None:
        super().__init__(context)
        self.deps = deps
        self.deadline = float("inf")
        self.ending = False
        self._peer: Peer = self.conn.peername or ()
        self._budget = FrameBudget(deps.clock())
        self._held: dict[int, int] = {}
        """Streams whose body is held → bytes of their window that they have not got back."""
        self.h2_conn.local_settings.initial_window_size = WINDOW_BYTES
        self.h2_conn.local_settings.max_frame_size = FRAME_BYTES
        self.h2_conn.local_settings.acknowledge()
        self.h2_conn.max_inbound_frame_size = FRAME_BYTES

    @property
    def client_id(self) -> str:
        return self.context.client.id

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._on_tick()
            return
        if isinstance(event, events.DataReceived):
            yield from self._receive(event)
            return
        if isinstance(event, RequestHeld):
            yield from self._hold(event)
            return
        if isinstance(event, ResponseEndOfMessage | ResponseProtocolError):
            self._held.pop(event.stream_id, None)
        yield from super()._handle_event(event)
        if isinstance(event, ResponseData):
            self._budget.earn()
        elif isinstance(event, ResponseEndOfMessage):
            yield from self._answered(event.stream_id)

    def _receive(self, event: events.DataReceived) -> Commands:
        try:
            pieces = self._budget.pay(event.data, self.deps.clock())
        except BudgetSpent:
            yield from self._end_flood()
            return
        for piece in pieces:
            yield from super()._handle_event(events.DataReceived(self.conn, piece))
            if self.h2_conn.state_machine.state is h2.connection.ConnectionState.CLOSED:
                return
        if self.conn.connected:
            yield from self._watch_head()

    def _end_flood(self) -> Commands:
        message = "too many frames that ask for nothing, or heads that are large when they are unpacked"
        yield from self.protocol_error(message, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)

    # -- time and size of heads -----------------------------------------------------------------------------------
    def _watch_head(self) -> Commands:
        """A head that has begun must be complete in time, and what is held of it is bounded."""
        held = self.h2_conn.incoming_buffer._headers_buffer
        if not held:
            if self.deadline != float("inf"):
                self._unwatch()
            return
        if sum(len(frame.data) for frame in held) > HEAD_BYTES:
            yield from self.protocol_error("the head is too large", h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
        elif self.deadline == float("inf"):
            self.deadline = self.deps.clock() + self.deps.limits.head_s
            self.deps.deadlines.add(self)

    def _on_tick(self) -> Commands:
        late = self.deps.clock() >= self.deadline
        if late or self.ending:
            self._unwatch()
        if late:
            yield from self.protocol_error("the head did not arrive in time", h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)

    def _unwatch(self) -> None:
        self.deadline = float("inf")
        self.deps.deadlines.discard(self)

    # -- bodies that are held -------------------------------------------------------------------------------------
    def _hold(self, event: RequestHeld) -> Commands:
        """A held stream gets nothing of its window back; those beside it go on (RFC 9113, 5.2)."""
        if event.held:
            self._held.setdefault(event.stream_id, 0)
            return
        owed = self._held.pop(event.stream_id, 0)
        if owed and not self.is_closed(event.stream_id):
            self.h2_conn.increment_flow_control_window(owed, event.stream_id)
            yield commands.SendData(self.conn, self.h2_conn.data_to_send())

    def _reads(self, stream_id: int) -> bool:
        """Whether somebody reads the body of that stream."""
        return self.streams.get(stream_id) is StreamState.HEADERS_RECEIVED

    def _take_of_held(self, event: h2.events.DataReceived) -> Commands:
        """What a held stream still sends: the connection gets its window back, since others share that."""
        assert event.stream_id is not None
        size = event.flow_controlled_length or 0
        if event.data:
            yield ReceiveHttp(RequestData(event.stream_id, event.data))
        if size and self.h2_conn.state_machine.state is not h2.connection.ConnectionState.CLOSED:
            self.h2_conn.increment_flow_control_window(size)
        if event.stream_id in self._held:
            self._held[event.stream_id] += size
        elif size and not self.is_closed(event.stream_id):
            self.h2_conn.increment_flow_control_window(size, event.stream_id)

    # -- requests in ----------------------------------------------------------------------------------------------
    def handle_h2_event(self, event: h2.events.Event) -> CommandGenerator[bool]:
        if isinstance(event, h2.events.ConnectionTerminated):
            yield from self.close_connection("the client ended its HTTP/2 connection")
            return True
        if isinstance(event, h2.events.UnknownFrameReceived):
            return False  # RFC 9113, 4.1: to be ignored; mitmproxy writes a line about each
        if isinstance(event, h2.events.DataReceived) and event.stream_id in self._held and self._reads(event.stream_id):
            yield from self._take_of_held(event)
            return False
        if isinstance(event, h2.events.StreamReset):
            self._held.pop(event.stream_id or 0, None)
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.deps.tracker.spoke(self._peer)
        elif isinstance(event, h2.events.RequestReceived):
            self.deps.tracker.busy(self._peer)
            try:
                self._budget.pay_head(event.headers)
            except BudgetSpent:
                yield from self._end_flood()
                return True
            if len(event.headers) > self.deps.limits.head_fields + 4:  # four of them stand for the request line
                most = f"{self.deps.limits.head_fields} fields (limits.header_fields)"
                refused = HeadRefused(431, f"the head has more than {most}")
                yield from self._refuse(event.stream_id, refused, event.headers)
                return False
        received = super().handle_h2_event(event)
        while True:
            try:
                command = next(received)
            except StopIteration as end:
                return bool(end.value)
            if isinstance(command, ReceiveHttp) and isinstance(command.event, RequestHeaders):
                try:
                    check_head(command.event.request)
                except HeadRefused as refused:
                    request = command.event.request
                    pseudo = ((b":method", request.data.method), (b":path", request.data.path))
                    yield from self._refuse(command.event.stream_id, refused, (*pseudo, *request.headers.fields))
                    continue
                self.deps.credentials.put(command.event.request)
            elif isinstance(command, ReceiveHttp) and isinstance(command.event, RequestTrailers):
                continue  # they mean nothing to the gateway, and may hold anything
            yield command

    def _refuse(self, stream_id: int, refused: HeadRefused, fields: Iterable[tuple[bytes, bytes]]) -> Commands:
        """Refuses what has not become a flow; `fields` are those of HTTP/2."""
        fields = list(fields)
        method, path = method_and_path(_first_line(fields))
        error = GatewayError(refused.status, str(refused), code="bad_http_request")
        answer = closing(self.deps.refuse, path, error, fields)
        add_missing(answer, self.deps.extra_headers(fields))
        self.deps.refused(RefusedHead(answer.headers["x-request-id"], self._peer, method, path, error))
        if not self.is_open_for_us(stream_id):
            return
        yield from self._send_whole(stream_id, answer)
        yield from self._answered(stream_id)

    def _send_whole(self, stream_id: int, answer: http.Response) -> Commands:
        headers = yield from format_h2_response_headers(self.context, ResponseHeaders(stream_id, answer))
        self.h2_conn.send_headers(stream_id, headers)
        self.h2_conn.send_data(stream_id, answer.raw_content or b"", end_stream=True)
        yield commands.SendData(self.conn, self.h2_conn.data_to_send())

    # -- answers out ----------------------------------------------------------------------------------------------
    def _answered(self, stream_id: int) -> Commands:
        """An answer is complete; of a request that is not, no more is wanted (RFC 9113, 8.1)."""
        if not self.is_closed(stream_id) and not self.h2_conn.stream_buffers.get(stream_id):
            self.h2_conn.reset_stream(stream_id, h2.errors.ErrorCodes.NO_ERROR)
            self.streams.pop(stream_id, None)
            yield commands.SendData(self.conn, self.h2_conn.data_to_send())
        if not self.h2_conn.open_inbound_streams:
            self.deps.tracker.idle(self._peer)

    # -- ends -----------------------------------------------------------------------------------------------------
    def protocol_error(
        self, message: str, error_code: int = h2.errors.ErrorCodes.PROTOCOL_ERROR
    ) -> CommandGenerator[None]:
        """Ends the connection; mitmproxy's words about it repeat what was sent, ours do not."""
        told = "the client broke the rules of HTTP/2" if error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR else message
        if (left_out := self.deps.log_budget.take(self.deps.clock())) is not None:
            others = f" (and {left_out} others before)" if left_out else ""
            log.info("the connection of %s was ended: %s%s", self._from, told, others)
        self.h2_conn.close_connection(error_code, told.encode())
        yield commands.SendData(self.conn, self.h2_conn.data_to_send())
        yield from self.close_connection(told)

    def close_connection(self, msg: str) -> CommandGenerator[None]:
        self._unwatch()
        yield from super().close_connection(msg)

    @property
    def _from(self) -> str:
        return host_of(self._peer) or "somebody who is gone"


def _first_line(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Method and path as HTTP/1 begins with them."""
    named = dict(headers)
    return named.get(b":method", b"") + b" " + named.get(b":path", b"")
