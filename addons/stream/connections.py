"""The client connections that mitmproxy holds: ticks in, what waits to be sent, and their end."""

import asyncio
import collections
import logging
from typing import cast

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client, Connection, ConnectionState
from mitmproxy.master import Master
from mitmproxy.proxy import events
from mitmproxy.proxy.mode_specs import ReverseMode
from mitmproxy.proxy.server import ConnectionHandler

from addons.stream.deps import Tick
from addons.stream.fair_reading import read_fairly
from addons.stream.proxy_refusal import ProxyRefusal
from addons.stream.refusal import Refuse

log = logging.getLogger("glassgate")
MOST_CONNECTIONS = 1000


class ClientConnections:
    """The client connections that `master` holds, by mitmproxy's id for them."""

    def __init__(self, master: Master, refuse: Refuse) -> None:
        self._master = master
        self._refuse = refuse

    def _handler(self, client_id: str) -> ConnectionHandler | None:
        server = cast(Proxyserver | None, self._master.addons.get("proxyserver"))
        return server.connections.get(client_id) if server else None

    def _writer(self, client_id: str) -> asyncio.StreamWriter | None:
        if (handler := self._handler(client_id)) is None:
            return None
        found = handler.transports.get(cast(Connection, handler.client))
        return found.writer if found and isinstance(found.writer, asyncio.StreamWriter) else None

    def adapt_handler(self, client: Client) -> None:
        """Applies the functions below to a new connection's handler."""
        if handler := self._handler(client.id):
            lift_connection_limit(handler)
            read_fairly(handler)
            always_close(handler)
            refuse_proxying(handler, self._refuse)

    async def deliver(self, client_id: str, tick: Tick) -> bool:
        """Hands the tick to the connection's layers; False when the connection is gone."""
        if (handler := self._handler(client_id)) is None:
            return False
        await handler.server_event(tick)
        return True

    def unsent(self, client_id: str) -> int:
        """Bytes that wait in the write buffer until the client reads."""
        writer = self._writer(client_id)
        return writer.transport.get_write_buffer_size() if writer else 0

    def abort(self, client_id: str) -> None:
        """Ends the connection at once; what waits is lost. (Closed properly, it would wait for its reader.)"""
        if self._writer(client_id):
            log.info("a client stopped reading its answer; its connection was ended")
        self.drop(client_id)

    def drop(self, client_id: str) -> None:
        """Ends the connection at once, for any other reason."""
        if writer := self._writer(client_id):
            writer.transport.abort()


def refuse_proxying(handler: ConnectionHandler, refuse: Refuse) -> None:
    """Has connections of mitmproxy's other modes (`--mode` takes several) refused: nobody gets in without a key."""
    client = handler.client
    mode = client.proxy_mode
    if not isinstance(mode, ReverseMode) or mode.scheme != "http" or client.transport_protocol != "tcp":
        handler.layer = ProxyRefusal(handler.layer.context, refuse)


def lift_connection_limit(handler: ConnectionHandler) -> None:
    """Raises mitmproxy's limit of five connections to an address for a client: an h2 client may have more streams."""
    handler.max_conns = collections.defaultdict(lambda: asyncio.Semaphore(MOST_CONNECTIONS))


def always_close(handler: ConnectionHandler) -> None:
    """Closes each connection when its task ends, however it ends.

    A layer that gives a provider up in the middle of its data has the provider's task cancelled. While a hook is
    running that meets the task where mitmproxy does not expect it, and the connection would be left open, unread.
    """
    plain = handler.handle_connection

    async def handle_connection(connection: Connection) -> None:
        try:
            await plain(connection)
        finally:
            left = handler.transports.pop(connection, None)
            if left is not None:
                connection.state = ConnectionState.CLOSED
                if left.writer is not None:
                    left.writer.close()
                await handler.server_event(events.ConnectionClosed(connection))

    handler.handle_connection = handle_connection  # type: ignore[method-assign]
