"""Connections that the own driver accepted and mitmproxy's own handler serves: those that begin with TLS."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from mitmproxy.connection import Client
from mitmproxy.master import Master
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import commands
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler, ServerInstance
from mitmproxy.proxy.server import ConnectionHandler, ConnectionIO
from mitmproxy.proxy.server_hooks import ClientConnectedHook
from mitmproxy.utils import human

from addons.layers.gathering import GatheringWriter

_TLS_BEGINS: Final = b"\x16\x03"
_TLS_BYTES: Final = 3
"""So many tell."""


def begins_with_tls(first: bytes) -> bool | None:
    """Whether a connection that begins so speaks TLS; None where so few bytes do not tell (no method begins so)."""
    if len(first) < _TLS_BYTES and _TLS_BEGINS.startswith(first[: len(_TLS_BEGINS)]):
        return None
    return starts_like_tls_record(first)


def hand_off(
    transport: asyncio.Transport,
    instance: ServerInstance[Any],
    client: Client,
    first: bytes,
    master: Master,
    adapt: Callable[[Client], None],
    *,
    ended: bool = False,
) -> Coroutine[Any, Any, None]:
    """Puts mitmproxy's reader and writer on the transport, at once; serves the connection to its end when awaited.

    The addons know of the `client` already. `first` was read of it, and where it has `ended`, nothing follows. `adapt`
    makes the handler, which stands in the list of connections by then, what the gateway needs.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    reader.feed_data(first)
    if ended:
        reader.feed_eof()
    transport.resume_reading()
    writer = GatheringWriter(transport, protocol, reader, loop)
    handler = HandedOff(master, instance, client, reader, writer, adapt)
    return _serve(handler, instance)


async def _serve(handler: "HandedOff", instance: ServerInstance[Any]) -> None:
    with instance.manager.register_connection(handler.client.id, handler):
        await handler.handle_client()


class HandedOff(ProxyConnectionHandler):
    """mitmproxy's handler of a client that its addons know already."""

    def __init__(
        self,
        master: Master,
        instance: ServerInstance[Any],
        client: Client,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        adapt: Callable[[Client], None],
    ) -> None:
        context = Context(client, master.options)
        ConnectionHandler.__init__(self, context)  # that of the class between makes a Client of its own
        self.master = master
        self.log_prefix = f"{human.format_address(client.peername)}: "
        self.transports[client] = ConnectionIO(handler=None, reader=reader, writer=writer)
        self.layer = instance.make_top_layer(context)
        self._adapt = adapt

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Calls the addons, but not for what they were told when the connection was accepted."""
        if isinstance(hook, ClientConnectedHook):
            self._adapt(self.client)
        else:
            await super().handle_hook(hook)

    def log(self, message: str, *args: Any, **more: Any) -> None:
        """Writes a line of the connection's, but not that which was written when it was accepted."""
        if message != "client connect":
            super().log(message, *args, **more)
