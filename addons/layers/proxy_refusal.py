"""The refusal of what comes by another way than the reverse mode (`--mode regular@…`, SOCKS, transparent).

No flow is made of it, so no key is seen, and nothing is dialled.
"""

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

from addons.errors import GatewayError
from addons.layers.events import Commands
from addons.stream.refusal import Refuse, raw_refusal

_DROPPED_BYTES = 256 * 1024
MESSAGE = "this is a gateway, not a proxy: only its reverse mode is served"


def _refused() -> GatewayError:
    return GatewayError(403, MESSAGE, code="not_a_proxy", type="invalid_request_error")


class ProxyRefusal(layer.Layer):
    """Answers the first bytes with 403, drops what follows, and ends with the client (or the time for silence)."""

    def __init__(self, context: Context, refuse: Refuse) -> None:
        super().__init__(context)
        self._refuse = refuse
        self._dropped_bytes: int | None = None

    def _handle_event(self, event: events.Event) -> Commands:
        client = self.context.client
        if isinstance(event, events.ConnectionClosed):
            yield commands.CloseConnection(client)
        elif isinstance(event, events.DataReceived) and self._dropped_bytes is None:
            self._dropped_bytes = len(event.data)
            yield commands.SendData(client, raw_refusal(self._refuse, _refused()))
            is_tcp = client.transport_protocol == "tcp"
            yield commands.CloseTcpConnection(client, half_close=True) if is_tcp else commands.CloseConnection(client)
        elif isinstance(event, events.DataReceived):
            assert self._dropped_bytes is not None
            self._dropped_bytes += len(event.data)
            if self._dropped_bytes > _DROPPED_BYTES:
                yield commands.CloseConnection(client)
