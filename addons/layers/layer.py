"""Our layers on a client's connection: mitmproxy's HTTP layer with our streams, ticks and our own HTTP/1 and HTTP/2.

It has no connection to a provider: those are the pool's (addons/upstream), whose events come in as ToStream.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer, modes
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream

from addons.layers.client_tls import BoundedClientTLS
from addons.layers.deps import LayerDeps
from addons.layers.events import Commands, Tick, ToStream
from addons.layers.http1 import JsonHttp1Server
from addons.layers.http2 import JsonHttp2Server
from addons.layers.small_queue import SmallQueue
from addons.layers.stream import GatewayStream
from addons.stream.deps import Timed


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
    """mitmproxy's HTTP layer with our streams, what providers say to them, and ticks."""

    def __init__(self, context: Context, mode: HTTPMode, deps: LayerDeps) -> None:
        super().__init__(context, mode)
        self._paused_event_queue = SmallQueue()  # type: ignore[assignment]
        self.deps = deps
        self.streams = _Streams()

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, ToStream):
            yield from self.event_to_child(event.stream, event)
            return
        if isinstance(event, Tick):
            yield from self._tick(event.watched)
            return
        if isinstance(event, events.Start):
            _make_small(self.context.layers)
            speaking = JsonHttp2Server if self.context.client.alpn == b"h2" else JsonHttp1Server
            self.connections[self.context.client] = speaking(forked(self.context), self.deps)
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> Commands:
        self.streams[stream_id] = GatewayStream(forked(self.context), stream_id, self.deps)
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def _tick(self, watched: Timed) -> Commands:
        if isinstance(watched, GatewayStream | JsonHttp1Server | JsonHttp2Server):
            yield from self.event_to_child(watched, Tick(watched))


def _make_small(layers: Sequence[layer.Layer]) -> None:
    """Takes a smaller queue for the empty ones of the layers below."""
    for below in layers:
        if not below._paused_event_queue:
            below._paused_event_queue = SmallQueue()  # type: ignore[assignment]


class _Streams(dict[int, HttpStream]):
    """The streams of a connection. HttpLayer takes out one that is done, which lets go then of what it held."""

    def pop(self, stream_id: int, *default: Any) -> Any:
        found = super().pop(stream_id, *default)
        if isinstance(found, GatewayStream):
            found.let_go()
        return found


def forked(context: Context) -> Context:
    """As `Context.fork`, but for the server connection that it makes, with an id, and then throws away."""
    own = copy(context)
    own.layers = context.layers.copy()
    return own
