"""The ports of the upstream room: connect to a target, then bytes; what stands below (TLS, a proxy) is not seen.

A driver of I/O implements Connect and Link; the pool (addons/upstream/pool.py) and HTTP/1.1 (addons/upstream/http1.py)
use them, and know neither sockets nor an event loop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from mitmproxy.connection import Client, Server


@dataclass(frozen=True, slots=True)
class Target:
    """The address a request goes to, and who may share its connections.

    `via` is an HTTP proxy in front of it: (scheme, (host, port)).
    """

    host: str
    port: int
    tls: bool
    via: tuple[Literal["http", "https"], tuple[str, int]] | None = None
    account: str = ""
    """Requests with the same one share connections: a web site must not see two accounts come by one. Empty for
    official APIs, whose keys say anyway who asks."""
    address: str = ""
    """The IP address to connect to, where `host` has been looked up already; TLS is still spoken with `host`."""


class Link(Protocol):
    """An open connection to a provider, as a stream of plain bytes. After `close` nothing more is told of it."""

    @property
    def server(self) -> Server:
        """The connection as flows show it."""
        ...

    def write(self, data: bytes) -> None: ...

    def unsent(self) -> int:
        """Bytes that wait until the provider reads."""
        ...

    def has_unread(self) -> bool:
        """Whether something has come that was not told yet: bytes, or the end. So of what is closed."""
        ...

    def pause(self) -> None:
        """Reads nothing more until `resume`. May be called twice, as that may."""
        ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Ends it at once, and what waits to be sent is lost."""
        ...


OUT_OF_FILES: Final = "this process may open no more files"
"""Why there is no connection, where that lies at this process alone."""


class Receiver(Protocol):
    """What a connection tells. First `opened` or `failed`; after `failed` or `closed` nothing more."""

    def opened(self, link: Link) -> None: ...

    def failed(self, why: str) -> None:
        """There is no connection: it was refused, or TLS or the proxy failed."""
        ...

    def received(self, data: bytes) -> None: ...

    def taken(self) -> None:
        """The provider has read (most of) what waited for it, where that was much."""
        ...

    def closed(self) -> None:
        """The provider ended the connection, or it broke."""
        ...


type Cancel = Callable[[], None]
"""Ends the making of a connection; nothing is told of it then."""


class Connect(Protocol):
    """Begins to make a connection. It never tells before it has returned."""

    def __call__(self, target: Target, client: Client, receiver: Receiver) -> Cancel: ...
