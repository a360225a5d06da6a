"""The inner names of mitmproxy and asyncio that accepting, the own driver and the hand-off touch, in one place.

The version check (addons/mitm/compat.py) lets every 12.2.x in. `check` looks whether these names are there: without
them the own driver stays out of it, and mitmproxy's layers serve all clients.
"""

import asyncio
import inspect
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Iterator
from typing import Any, Final

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ProxyConnectionHandler, ServerInstance
from mitmproxy.proxy.server import ConnectionHandler

_NAMES: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (ConnectionHandler, ("handle_client", "handle_connection", "server_event", "log")),
    (ProxyConnectionHandler, ("handle_hook",)),
    (ServerInstance, ("make", "make_top_layer", "handle_stream")),
    (Proxyserver, ("register_connection",)),
    (TransportSocket, ("_sock",)),
)
"""Of classes, each where it is defined: what stands there for subclasses alone would do nothing."""
_PARAMETERS: Final = (
    (ConnectionHandler, "__init__", ["self", "context"]),
    (ConnectionHandler, "log", ["self", "message", "level", "exc_info"]),
    (ProxyConnectionHandler, "handle_hook", ["self", "hook"]),
    (Proxyserver, "register_connection", ["self", "connection_id", "handler"]),
)


def check() -> str | None:
    """What is missing of them, in words; None where all is there."""
    try:
        return next(_missing(), None)
    except Exception as e:  # whatever another version does when it is asked so
        return f"{type(e).__name__} while its parts were looked at"


def _missing() -> Iterator[str]:
    for kind, names in _NAMES:
        yield from (f"{kind.__name__}.{name}" for name in names if name not in vars(kind))
    for kind, name, wanted in _PARAMETERS:
        if list(inspect.signature(getattr(kind, name)).parameters) != wanted:
            yield f"{kind.__name__}.{name}({', '.join(wanted[1:])})"
    proxyserver = Proxyserver()
    instance: ServerInstance[Any] = ServerInstance.make("reverse:http://127.0.0.1:1", proxyserver)
    for made, attributes in ((proxyserver, ("connections", "servers")), (instance, ("_servers", "mode", "manager"))):
        yield from (f"{type(made).__name__}.{name}" for name in attributes if not hasattr(made, name))


def listening_sockets(instance: AsyncioServerInstance[Any]) -> Iterator[socket.socket]:
    """The TCP sockets on which asyncio accepts for it; none where this mitmproxy keeps them elsewhere."""
    for server in getattr(instance, "_servers", ()):
        if isinstance(server, asyncio.Server) and server.is_serving():
            for shared in server.sockets:
                yield shared._sock  # type: ignore[attr-defined]
