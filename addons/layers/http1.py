"""The layer of an HTTP/1 client: moves bytes and events between mitmproxy's layers and `ClientHttp1`, no more."""

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import HttpConnection, HttpEvent, ReceiveHttp
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

from addons.layers.deps import LayerDeps
from addons.layers.events import Commands, RequestHeld, RequestRefused, Tick
from addons.layers.small_queue import SmallQueue
from addons.stream.client_events import ClientEvent, Data, Head, Left, Refused
from addons.stream.client_http1 import ClientHttp1
from addons.stream.connection_end import Closing


class JsonHttp1Server(HttpConnection):
    """One client connection. Each request is a stream; its number follows the last one's by two, as in HTTP/2."""

    def __init__(self, context: Context, deps: LayerDeps) -> None:
        super().__init__(context, context.client)
        self._paused_event_queue = SmallQueue()  # type: ignore[assignment]
        self.deps = deps
        self.http1 = ClientHttp1(deps, context.client, self)
        self.stream_id = -1
        self._closing = Closing.OPEN
        """How much of the connection was ended."""
        self._asks = False
        """Its events are being asked for: what a stream answers meanwhile comes in between."""
        self._is_held = False
        """The client sent a lot of its next request before the end of this one was noted, and is not read."""

    # -- as Timed -------------------------------------------------------------------------------------------------
    @property
    def client_id(self) -> str:
        return self.http1.client_id

    @property
    def deadline(self) -> float:
        return self.http1.deadline

    @property
    def ending(self) -> bool:
        return self.http1.ending

    @ending.setter
    def ending(self, ending: bool) -> None:
        self.http1.ending = ending

    # -- events and commands --------------------------------------------------------------------------------------
    def _handle_event(self, event: events.Event) -> Commands:
        http1 = self.http1
        if isinstance(event, HttpEvent):
            yield from self.send(event)
        elif isinstance(event, events.DataReceived):
            http1.receive(event.data)
            yield from self._ask()
            if http1.is_far_ahead:
                self._is_held = True
                self.deps.transport.hold(self.client_id)
        elif isinstance(event, events.ConnectionClosed):
            http1.closed()
            yield from self._ask()
        elif isinstance(event, Tick):
            http1.tick(self.deps.transport.unsent(self.client_id))
            yield from self._write()

    def send(self, event: HttpEvent) -> Commands:
        http1 = self.http1
        if isinstance(event, ResponseData):
            http1.send_data(event.data)
            yield from self._write()
        elif isinstance(event, ResponseHeaders):
            http1.send_head(event.response)
            yield from self._write()
        elif isinstance(event, ResponseEndOfMessage):
            http1.send_end()
            if self._is_held:
                self._is_held = False
                self.deps.transport.go_on(self.client_id)
            yield from self._ask()
        elif isinstance(event, ResponseProtocolError):
            http1.break_off(event.code.http_status_code(), event.message)
            yield from self._write()
        elif isinstance(event, RequestHeld) and http1.closing is Closing.OPEN:
            (self.deps.transport.hold if event.held else self.deps.transport.go_on)(self.client_id)

    def _write(self) -> Commands:
        """Writes what there is to write, then ends as much of the connection as is to end."""
        if data := self.http1.take_output():
            yield commands.SendData(self.conn, data)
        if (closing := self.http1.closing) is not self._closing:
            self._closing = closing
            if closing is Closing.ABORTED:
                self.deps.transport.abort(self.client_id)
            elif closing is Closing.HALF:
                yield commands.CloseTcpConnection(self.conn, half_close=True)
            elif self.conn.state is not ConnectionState.CLOSED:
                yield commands.CloseConnection(self.conn)

    def _ask(self) -> Commands:
        """Hands on what the client's bytes say, one event after the other."""
        yield from self._write()
        if self._asks:
            return  # who asks goes on with it
        self._asks = True
        try:
            while (event := self.http1.next_event()) is not None:
                yield from self._write()
                yield ReceiveHttp(self._translated(event))
        finally:
            self._asks = False
        yield from self._write()

    def _translated(self, event: ClientEvent) -> HttpEvent:
        """The event in mitmproxy's words."""
        if isinstance(event, Head):
            self.stream_id += 2
            return RequestHeaders(self.stream_id, event.request, event.ends)
        if isinstance(event, Data):
            return RequestData(self.stream_id, event.data)
        if isinstance(event, Refused):
            return RequestRefused(self.stream_id, event.error)
        if isinstance(event, Left):
            return RequestProtocolError(self.stream_id, event.why, ErrorCode.CLIENT_DISCONNECTED)
        return RequestEndOfMessage(self.stream_id)
