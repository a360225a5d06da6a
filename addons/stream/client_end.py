"""The client's end of a request: what is told of its connection, its backpressure, and when it has stalled."""

from typing import Final, Protocol

from mitmproxy import http
from mitmproxy.connection import Client, Server

from addons.stream.deps import StreamDeps

H2_UNSENT_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""What may wait for the flow control window of an h2 client; there TCP slows the provider too late."""


class ClientSide(Protocol):
    """The client as a driver has it."""

    @property
    def client(self) -> Client: ...

    @property
    def server(self) -> Server:
        """The reverse target, which no request goes to: what flows show until there is a provider."""
        ...

    @property
    def speaks_h2(self) -> bool: ...

    def unsent(self) -> int:
        """Bytes of answers that wait until the client reads: below HTTP, and for the window of an h2 stream."""
        ...

    def connection_waits(self) -> bool:
        """Whether bytes wait below HTTP, for all streams of the connection."""
        ...


class ClientEnd:
    """One request's client. Progress is bytes handed over less those that still wait; times are of the deps' clock."""

    __slots__ = ("_deps", "_side", "_taken_bytes", "_taking_since", "handed_bytes")

    def __init__(self, side: ClientSide, deps: StreamDeps) -> None:
        self._side = side
        self._deps = deps
        self.handed_bytes = 0
        """Of the answer, to the connection."""
        self._taken_bytes = 0
        self._taking_since = 0.0
        """When the client was last seen taking something of what waits for it."""

    @property
    def unsent(self) -> int:
        return self._side.unsent()

    @property
    def speaks_h2(self) -> bool:
        return self._side.speaks_h2

    def is_choked_by(self, size: int) -> bool:
        """Whether an h2 client leaves more unread than may be kept for it, with `size` bytes that are being sent."""
        return self.speaks_h2 and self.unsent + size > H2_UNSENT_LIMIT_BYTES

    @property
    def shares_its_connection(self) -> bool:
        """It can be given up alone: an h2 stream, of which nothing waits in the connection."""
        return self.speaks_h2 and not self._side.connection_waits()

    def frame_by_chunks(self, head: http.Response, version: str) -> None:
        """Headers of a stream of unknown length, as a client has them that asked with this version of HTTP."""
        if self.speaks_h2:
            return
        if version == "HTTP/1.0":
            head.headers["connection"] = "close"
        else:
            head.headers["transfer-encoding"] = "chunked"

    # -- taking what is sent --------------------------------------------------------------------------------------
    def begins(self) -> None:
        self._taking_since = self._deps.clock()

    def gives_up_at(self, now: float) -> float:
        """The time at which the client will have stalled for too long, as it stands now."""
        taken = self.handed_bytes - self.unsent
        if taken > self._taken_bytes:
            self._taken_bytes, self._taking_since = taken, now
        return self._taking_since + self._deps.limits.stall_s
