"""The client's end of a stream: its HTTP version's framing, its backpressure, and the deadline of a stalled client."""

from typing import cast

from mitmproxy import http
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Server

from addons.stream.deps import LayerDeps

H2_UNSENT_LIMIT_BYTES = 16 * 1024 * 1024
"""What may wait for the flow control window of an h2 client; there TCP slows the provider too late."""


class ClientEnd:
    """One stream's client. Progress is bytes handed over less those that still wait; times are of the deps' clock."""

    def __init__(self, stream: HttpStream, deps: LayerDeps) -> None:
        layers = stream.context.layers
        self._client, self._stream_id = stream.context.client, stream.stream_id
        self._connections = cast(HttpLayer, layers[layers.index(stream) - 1]).connections
        self._deps = deps
        self.speaks_h2 = stream.context.client.alpn == b"h2"
        self.handed_bytes = 0
        """Of the answer, to the connection."""
        self._taken_bytes = 0
        self._taking_since = 0.0
        """When the client was last seen taking something of what waits for it."""

    @property
    def connection_waits(self) -> bool:
        """Whether bytes wait below HTTP, for all streams of the connection."""
        return self._deps.transport.unsent(self._client.id) > 0

    @property
    def unsent(self) -> int:
        """Bytes of answers that wait until the client reads: below HTTP, and for the window of an h2 stream."""
        waiting = self._deps.transport.unsent(self._client.id)
        if isinstance(server := self._server(), Http2Server):
            held = server.h2_conn.stream_buffers.get(self._stream_id, ())
            waiting += sum(len(piece.data) for piece in held)
        return waiting

    @property
    def is_choked(self) -> bool:
        """An h2 client left more unread than may be kept for it."""
        return self.speaks_h2 and self.unsent > H2_UNSENT_LIMIT_BYTES

    def frame_by_chunks(self, head: http.Response) -> None:
        """Headers of a stream of unknown length, as the client's HTTP has them."""
        if self.speaks_h2:
            return
        server = self._server()
        own = server.request if isinstance(server, Http1Server) else None  # (flow.request is the provider's by now)
        if own is not None and own.http_version == "HTTP/1.0":
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

    def _server(self) -> object:
        return self._connections.get(self._client)
