"""mitmproxy's layers of a connection to a provider, from the socket up: the tunnel of a proxy, TLS, and plain bytes."""

from dataclasses import dataclass
from typing import Protocol

from mitmproxy.connection import Client, Server
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._upstream_proxy import HttpUpstreamProxy
from mitmproxy.proxy.layers.tls import ServerTLSLayer

from addons.upstream.port import Target


@dataclass
class PlainWrite(events.Event):
    """The event that plain bytes are to be sent."""

    data: bytes


class PlainEnd(Protocol):
    """Who has the plain bytes."""

    def established(self, why_not: str | None) -> None:
        """The connection stands, with all its layers, or cannot be."""
        ...

    def told(self, data: bytes) -> None: ...

    def ended(self) -> None:
        """No more comes."""
        ...


class _PlainBytes(layer.Layer):
    """The innermost layer, behind TLS and a proxy's tunnel."""

    def __init__(self, context: Context, end: PlainEnd) -> None:
        super().__init__(context)
        self._end = end

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived):
            self._end.told(event.data)
        elif isinstance(event, PlainWrite):
            yield commands.SendData(self.context.server, event.data)
        elif isinstance(event, events.ConnectionClosed):
            self._end.ended()
        elif isinstance(event, events.Start):
            why_not = yield commands.OpenConnection(self.context.server)
            self._end.established(why_not)


def layers_of(target: Target, client: Client, server: Server, options: Options, end: PlainEnd) -> layer.Layer:
    """The outermost of the layers; takes events of the socket and PlainWrites. `server` is the provider's."""
    context = Context(client, options)
    context.server = server
    server.via = target.via
    server.alpn_offers = [b"http/1.1"]  # whatever the client speaks: one protocol to know the faults of
    stack = tunnel.LayerStack()
    if target.via:
        stack /= HttpUpstreamProxy.make(context, send_connect=True)
    if target.tls:
        server.sni = target.host  # whatever the address is called: the certificate must be the host's
        stack /= ServerTLSLayer(context)
    stack /= _PlainBytes(context, end)
    return stack[0]
