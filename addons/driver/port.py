"""The port of the own driver, which moves clients' bytes in the place of mitmproxy's layers, and what it takes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mitmproxy.proxy.mode_servers import ServerInstance
from mitmproxy.proxy.mode_specs import ReverseMode

from addons.stream.connection_limits import Peer


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted connection, as the driver is given it."""

    instance: ServerInstance[Any]
    """mitmproxy's listener that it came to."""
    peer: Peer
    over: Callable[[], None]
    """To be called once nobody serves the connection: when all that waits for the client was sent, or the client does
    not read it, its place is another's."""


class OwnDriver(Protocol):
    """A driver of client connections beside mitmproxy's layers."""

    def takes(self, instance: ServerInstance[Any]) -> bool:
        """Whether connections that this listener accepts now are the driver's."""
        ...

    def protocol(self, accepted: Accepted) -> asyncio.BaseProtocol:
        """What serves the connection: it calls `accepted.over` in its `connection_lost` (ClientLife does)."""
        ...


class PlainHttpDriver:
    """The OwnDriver of HTTP/1.1 in the clear: `make` gives a connection's protocol; without it nothing is taken."""

    def __init__(self, make: Callable[[Accepted], asyncio.BaseProtocol] | None = None) -> None:
        self._make = make
        self.is_wanted = False
        """Whether new connections are to be its own."""
        self.lacks: str | None = None
        """What this mitmproxy has not, though the driver needs it."""

    @property
    def is_there(self) -> bool:
        return self._make is not None

    def takes(self, instance: ServerInstance[Any]) -> bool:
        return self._make is not None and self.is_wanted and self.lacks is None and _serves_plain_http(instance)

    def protocol(self, accepted: Accepted) -> asyncio.BaseProtocol:
        assert self._make is not None
        return self._make(accepted)


def _serves_plain_http(instance: ServerInstance[Any]) -> bool:
    mode = instance.mode
    return isinstance(mode, ReverseMode) and mode.scheme == "http"
