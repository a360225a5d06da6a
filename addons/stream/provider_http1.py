"""The HTTP/1 client layer to a provider: heads bounded together, interim answers passed over, trailers read past.

What is wrong becomes a protocol error, whose words repeat nothing that was sent.
"""

from typing import Final

from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpClient
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client

from addons.stream.chunks import read_on, reader_of
from addons.stream.deps import Commands
from addons.stream.lines import Bound, LineBuffer, TooLarge
from addons.stream.request_head import HTTP1

HEADS: Final = Bound(64 * 1024, 200)
"""For the interim answers (1xx; RFC 9110, 15.2) and the final one together."""
INTERIM_LIMIT: Final = 100
DRAIN_BYTES: Final = 256 * 1024
"""What a provider may send behind an answer that is complete."""


class FinalHttp1Client(Http1Client):
    """One connection to a provider, for one answer after the other."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.buf: LineBuffer = LineBuffer()
        self._forget_heads()
        self._drain_bytes: int | None = None

    def _forget_heads(self) -> None:
        self._interim = 0
        self._head_bytes = HEADS.bytes
        self._head_lines = HEADS.lines

    def _handle_event(self, event: events.Event) -> Commands:
        if self._drain_bytes is not None and isinstance(event, events.DataReceived):
            self._drain_bytes -= len(event.data)
            if self._drain_bytes < 0:
                yield from self._close()
                return
        yield from super()._handle_event(event)

    def drain(self) -> None:
        """The answer is complete: little more is read before the connection is closed."""
        self._drain_bytes = DRAIN_BYTES

    # -- heads ----------------------------------------------------------------------------------------------------
    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        if isinstance(event, events.ConnectionClosed):
            yield from self._closed_by_peer()
        elif self.request is None:
            yield commands.Log("a provider sent something that nobody asked for; its connection is closed")
            yield from self._close()
        else:
            yield from self._read_answer(event)

    def _read_answer(self, event: events.ConnectionEvent) -> Commands:
        assert self.request is not None
        assert self.stream_id is not None
        try:
            lines = self._final_head()
            if lines is None:
                return
            self.response = http1.read_response_head(lines)
            size = http1.expected_http_body_size(self.request, self.response)
        except TooLarge as e:
            yield from self._broken(f"the head of the answer is {e}")
            return
        except ValueError:
            yield from self._broken("the head of the answer is malformed")
            return
        if self.response.http_version not in HTTP1:
            yield from self._broken("an unknown version of HTTP")
            return
        self.body_reader = reader_of(size)  # type: ignore[assignment]
        self.state = self.read_body
        yield ReceiveHttp(ResponseHeaders(self.stream_id, self.response, size == 0))
        if self.state == self.read_body:
            yield from self.read_body(event)

    def _final_head(self) -> list[bytes] | None:
        """The lines of the final answer's head, or None while it has not come. Raises TooLarge."""
        while True:
            before = len(self.buf)
            lines = self.buf.take_lines(Bound(self._head_bytes, self._head_lines))
            if lines is None:
                return None
            if not lines:
                raise ValueError("a blank line where a head should be")
            if not _is_interim(lines[0]):
                return lines
            self._interim += 1
            self._head_bytes -= before - len(self.buf)
            self._head_lines -= len(lines)
            if self._interim > INTERIM_LIMIT:
                raise TooLarge(f"behind more than {INTERIM_LIMIT} interim answers")

    # -- bodies ---------------------------------------------------------------------------------------------------
    def read_body(self, event: events.Event) -> Commands:
        if not isinstance(event, events.DataReceived):
            yield from super().read_body(event)
            return
        assert self.stream_id is not None
        found = read_on(self.body_reader, self.buf)
        for piece in found.pieces:
            yield ReceiveHttp(ResponseData(self.stream_id, piece))
        if self.state != self.read_body or self.stream_id is None:
            return
        if found.fault:
            yield from self._broken(found.fault)
        elif found.ended:
            yield ReceiveHttp(ResponseEndOfMessage(self.stream_id))
            yield from self.mark_done(response=True)

    def mark_done(self, *, request: bool = False, response: bool = False) -> Commands:
        if response:
            self._forget_heads()
            self._drain_bytes = None
        yield from super().mark_done(request=request, response=response)

    # -- ends -----------------------------------------------------------------------------------------------------
    def _broken(self, why: str) -> Commands:
        assert self.stream_id is not None
        yield from self._close()
        message = f"HTTP/1 protocol error: {why}"
        yield ReceiveHttp(ResponseProtocolError(self.stream_id, message, ErrorCode.GENERIC_SERVER_ERROR))

    def _closed_by_peer(self) -> Commands:
        half = bool(self.buf)
        if self.conn.state & ConnectionState.CAN_WRITE:
            yield from self._close()
        if self.stream_id is not None:
            message = "the connection was closed in the middle of a head" if half else "server closed connection"
            yield ReceiveHttp(ResponseProtocolError(self.stream_id, message, ErrorCode.GENERIC_SERVER_ERROR))

    def _close(self) -> Commands:
        self.buf = LineBuffer()
        self.state = self.done
        yield commands.CloseConnection(self.conn)


def _is_interim(line: bytes) -> bool:
    """Whether a status line is one of 100-199; but switching protocols is an answer, and a wrong one."""
    parts = line.split(b" ", 2)
    return len(parts) > 1 and parts[0].startswith(b"HTTP/1.") and parts[1][:1] == b"1" and parts[1] != b"101"


def with_final_answers(handler: layer.Layer) -> None:
    """Puts our HTTP/1 client in place of mitmproxy's on a new connection to a provider."""
    layers = handler.context.layers
    plain, owner = layers[-1], layers[-2]
    if type(plain) is not Http1Client or not isinstance(owner, HttpClient):
        return
    layers.remove(plain)
    own = FinalHttp1Client(plain.context)
    for _ in own.handle_event(events.Start()):
        raise AssertionError("the start of HTTP/1 asks for nothing")
    owner.child_layer = own
    owner._handle_event = own.handle_event  # as mitmproxy does
