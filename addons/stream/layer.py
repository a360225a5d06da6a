"""Our layers on a client's connection: mitmproxy's HTTP layer with attempts, ticks and our own HTTP/1 and HTTP/2."""

from mitmproxy.connection import Server
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer, modes
from mitmproxy.proxy.layers.http import GetHttpConnection, HttpLayer, HTTPMode, HttpStream, RegisterHttpConnection
from mitmproxy.proxy.layers.http._events import ErrorCode, RequestProtocolError

from addons.stream.client_tls import BoundedClientTLS
from addons.stream.deps import BindAttempt, Commands, DrainAttempt, GiveUpConnecting, LayerDeps, Tick, Timed
from addons.stream.http1 import JsonHttp1Server
from addons.stream.http2 import JsonHttp2Server
from addons.stream.provider_http1 import FinalHttp1Client, with_final_answers
from addons.stream.stream import GatewayStream


def choose_layer(nextlayer: layer.NextLayer, deps: LayerDeps) -> None:
    """Puts our layer on a reverse-mode connection, for plain HTTP and TLS (HTTP/1.1 and h2) clients alike."""
    context = nextlayer.context
    if nextlayer.layer or not isinstance(context.layers[-1], modes.ReverseProxy):
        if isinstance(context.layers[-1], ClientTLSLayer) and not nextlayer.layer:
            nextlayer.layer = GatewayLayer(context, HTTPMode.transparent, deps)
        return
    stack = tunnel.LayerStack()
    if starts_like_tls_record(nextlayer.data_client()):
        stack /= BoundedClientTLS(context)
    stack /= GatewayLayer(context, HTTPMode.transparent, deps)
    nextlayer.layer = stack[0]


class GatewayLayer(HttpLayer):
    """mitmproxy's HTTP layer with our streams, attempt ids and ticks."""

    def __init__(self, context: Context, mode: HTTPMode, deps: LayerDeps) -> None:
        super().__init__(context, mode)
        self.deps = deps
        self.draining: dict[int, Server] = {}

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._tick(event.watched)
            return
        if isinstance(event, events.Start):
            speaking = JsonHttp2Server if self.context.client.alpn == b"h2" else JsonHttp1Server
            self.connections[self.context.client] = speaking(self.context.fork(), self.deps)
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> Commands:
        self.streams[stream_id] = GatewayStream(self.context.fork(), stream_id, self.deps)
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def event_to_child(self, child: layer.Layer | HttpStream, event: events.Event) -> Commands:
        for command in super().event_to_child(child, event):
            if isinstance(command, BindAttempt):
                self.streams[command.attempt] = self.streams[command.stream_id]
            elif isinstance(command, DrainAttempt):
                self.draining[command.attempt] = command.connection
                innermost = self.connections[command.connection].context.layers[-1]
                if isinstance(innermost, FinalHttp1Client):
                    innermost.drain()
            elif isinstance(command, GiveUpConnecting):
                yield from self._give_up_connecting(self.streams[command.stream_id])
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

    def register_connection(self, command: RegisterHttpConnection) -> Commands:
        if not command.err:
            with_final_answers(self.connections[command.connection])
        yield from super().register_connection(command)

    def _tick(self, watched: Timed) -> Commands:
        if isinstance(watched, GatewayStream) and watched.drains_until is not None:
            self.deps.deadlines.discard(watched)
            yield from self.close_drains()
        elif isinstance(watched, GatewayStream) and watched.waits_for_connection:
            yield from self._give_up_connecting(watched)
        elif isinstance(watched, GatewayStream | JsonHttp1Server | JsonHttp2Server):
            yield from self.event_to_child(watched, Tick(watched))

    def _give_up_connecting(self, stream: HttpStream) -> Commands:
        """Closes the half-open connection; mitmproxy then reports the attempt to connect as failed."""
        for connection, waiting in self.waiting_for_establishment.items():
            if any(self.command_sources.get(command) is stream for command in waiting):
                # Through a proxy it is the connection to the proxy that is open, and that has to end.
                carrier = getattr(self.connections.get(connection), "tunnel_connection", connection)
                yield commands.CloseConnection(carrier)
                return


def _is_idle(handler: layer.Layer, attempt: int) -> bool:
    """Whether an HTTP/1 connection has already ended the attempt's answer (an h2 one is never left hanging)."""
    innermost = handler.context.layers[-1]
    return getattr(innermost, "stream_id", attempt) != attempt
