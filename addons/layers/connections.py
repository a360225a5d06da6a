"""The client connections that mitmproxy holds: ticks and providers' words in, what waits to be sent, and their end."""

import asyncio
import logging
import select
import socket
from typing import Final, cast

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client, Connection
from mitmproxy.master import Master
from mitmproxy.proxy.mode_specs import ReverseMode
from mitmproxy.proxy.server import ConnectionHandler

from addons.layers.events import Held, Tick, ToStream
from addons.layers.fair_reading import FairReader, read_fairly
from addons.layers.gathering import gather_writes
from addons.layers.own_client import OwnClient
from addons.layers.proxy_refusal import ProxyRefusal
from addons.stream.deps import Timed
from addons.stream.refusal import Refuse

log = logging.getLogger("glassgate")
WAITING_BYTES: Final = 64 * 1024
"""When more waits for a client, its providers are not read; asyncio's own mark, at which `drain` begins to wait."""


class ClientConnections:
    """The client connections that `master` holds, by mitmproxy's id for them."""

    def __init__(self, master: Master, refuse: Refuse) -> None:
        self._master = master
        self._refuse = refuse
        self._choked: dict[str, set[Held]] = {}
        """By client: whose answers are not read until it has read more."""
        self._tasks: set[asyncio.Task[None]] = set()

    def _handler(self, client_id: str) -> ConnectionHandler | OwnClient | None:
        server = cast(Proxyserver | None, self._master.addons.get("proxyserver"))
        return cast(ConnectionHandler | OwnClient | None, server.connections.get(client_id)) if server else None

    def _writer(self, client_id: str) -> asyncio.StreamWriter | None:
        if (handler := self._handler(client_id)) is None:
            return None
        found = handler.transports.get(cast(Connection, handler.client))
        return found.writer if found and isinstance(found.writer, asyncio.StreamWriter) else None

    def _reader(self, client_id: str) -> FairReader | None:
        if (handler := self._handler(client_id)) is None:
            return None
        found = handler.transports.get(cast(Connection, handler.client))
        return found.reader if found and isinstance(found.reader, FairReader) else None

    def hold(self, client_id: str) -> None:
        """Reads nothing more of the client until `go_on`."""
        if reader := self._reader(client_id):
            reader.hold()

    def go_on(self, client_id: str) -> None:
        if reader := self._reader(client_id):
            reader.go_on()

    def end_if_left(self, client_id: str) -> None:
        """Ends a held connection whose client has left: what it left is then read to its end."""
        reader, writer = self._reader(client_id), self._writer(client_id)
        if reader is not None and writer is not None and reader.is_held and has_left(writer.get_extra_info("socket")):
            self.drop(client_id)
            reader.go_on()

    def adapt_handler(self, client: Client) -> None:
        """Applies the functions below to a new connection's handler. The own driver's needs nothing."""
        handler = self._handler(client.id)
        if handler is not None and not isinstance(handler, OwnClient):
            read_fairly(handler)
            gather_writes(handler, handler.client)
            refuse_proxying(handler, self._refuse)

    async def deliver(self, client_id: str, watched: Timed) -> bool:
        """Ticks one of the connection's streams, or what else is watched of it; False when the connection is gone."""
        if (handler := self._handler(client_id)) is None:
            return False
        await handler.server_event(Tick(watched))
        return True

    def hand(self, client_id: str, event: ToStream) -> bool:
        """Hands a provider's words to the connection's layers; False when the connection is gone.

        A client that does not keep up holds its provider up.
        """
        handler = self._handler(client_id)
        if handler is None:
            return False
        task = asyncio.create_task(handler.server_event(event))  # (eager: it is done already, or waits its turn)
        if not task.done():
            self._keep(task)
        if self.unsent(client_id) > WAITING_BYTES:
            self._hold_up(client_id, event.provider)
        return True

    def _hold_up(self, client_id: str, provider: Held) -> None:
        choked = self._choked.get(client_id)
        if choked is not None and provider in choked:
            return
        provider.hold()
        if choked is not None:
            choked.add(provider)
        else:
            self._choked[client_id] = {provider}
            self._keep(asyncio.create_task(self._until_read(client_id)))

    async def _until_read(self, client_id: str) -> None:
        try:
            if writer := self._writer(client_id):
                await writer.drain()
        except OSError:
            pass  # it is gone, and with it all that was for it
        finally:
            for provider in self._choked.pop(client_id):
                provider.go_on()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        if isinstance(handler := self._handler(client_id), OwnClient):
            handler.abort()
        elif writer := self._writer(client_id):
            writer.transport.abort()


def has_left(found: socket.socket | None) -> bool:
    """Whether the peer has ended or broken its connection, though nobody has read up to that."""
    if found is None or found.fileno() < 0:
        return True
    asked = select.poll()
    asked.register(found.fileno(), getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR)
    return bool(asked.poll(0))


def refuse_proxying(handler: ConnectionHandler, refuse: Refuse) -> None:
    """Has connections of mitmproxy's other modes (`--mode` takes several) refused: nobody gets in without a key."""
    client = handler.client
    mode = client.proxy_mode
    if not isinstance(mode, ReverseMode) or mode.scheme != "http" or client.transport_protocol != "tcp":
        handler.layer = ProxyRefusal(handler.layer.context, refuse)
