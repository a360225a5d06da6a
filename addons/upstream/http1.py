"""HTTP/1.1 to a provider on one connection: a request out, its answer read, everything bounded; without I/O.

Heads are read by answer_heads.py, trailers read past. What is wrong becomes Broken, whose words repeat nothing that
was sent.
"""

import logging
import re
from collections.abc import Callable
from typing import Final, Protocol

import h11
from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.net.http import http1

from addons.framing.chunks import BodyReader, ChunkedBodyReader, read_on, reader_of
from addons.framing.fields import value_of
from addons.framing.lines import HTTP1, LineBuffer, TooLarge
from addons.framing.persistence import is_last
from addons.upstream.answer_heads import AnswerHeads
from addons.upstream.events import (
    ENDED,
    RECONNECTING,
    TAKEN,
    Answered,
    Body,
    Broken,
    Connected,
    NoConnection,
    UpstreamEvent,
)
from addons.upstream.port import Link, Target
from addons.upstream.upload import Upload

log = logging.getLogger("glassgate")

DRAIN_BYTES: Final = 256 * 1024
"""What a provider may send behind an answer that is complete."""
ONE_WRITE_BYTES: Final = 64 * 1024
"""Up to so much of a request's body goes out together with its head."""

_KEEP_ALIVE: Final = re.compile(rb"(?:^|[,;\s])timeout=(\d{1,6})", re.IGNORECASE)

type Told = Callable[["UpstreamCall", tuple[UpstreamEvent, ...]], None]
"""Is given the call, and the events of one read of the connection."""


class Http1Owner(Protocol):
    """Who keeps the connection."""

    def idle(self, connection: "Http1Connection") -> None:
        """It has given its whole answer and can take another request."""
        ...

    def drains(self, connection: "Http1Connection") -> None:
        """Who asked has all it wanted of the answer; what comes behind that is read past, for a while."""
        ...

    def gone(self, connection: "Http1Connection") -> None:
        """It is closed."""
        ...

    def again(self, call: "UpstreamCall") -> None:
        """A connection that had been idle ended without a word about this request: it wants a new one."""
        ...


class UpstreamCall:
    """One request to a provider, as who made it holds it.

    `request` has the real secrets in it; it is let go with the head of its answer, behind which nobody sends it again.

    `upload` is what comes behind the request's own content, where its body goes on.
    """

    __slots__ = ("client", "connection", "over", "repeated", "request", "target", "told", "upload")

    def __init__(
        self, target: Target, request: http.Request, client: Client, told: Told, upload: Upload | None = None
    ) -> None:
        self.target = target
        self.request: http.Request | None = request
        self.client = client
        self.told = told
        self.upload = upload
        self.connection: Http1Connection | None = None
        self.repeated = False
        """It went out a second time, since the first connection was dead."""
        self.over = False
        """Nothing more is told."""

    @property
    def is_connected(self) -> bool:
        """Whether a connection carries it."""
        return self.connection is not None and self.connection.link is not None

    def leave(self) -> None:
        """Nothing of the answer is wanted any more: its connection is closed, unless that is idle again already."""
        if not self.over:
            self.over = True
            if self.connection is not None:
                self.connection.close()

    def finish(self) -> None:
        """All that was wanted has come; the rest of the body may still come, so that the connection can serve on."""
        if not self.over:
            self.over = True
            if self.connection is not None:
                self.connection.drain()

    def pause(self) -> None:
        """Reads nothing more of the answer until `resume`."""
        if not self.over and self.connection is not None and self.connection.link is not None:
            self.connection.link.pause()

    def resume(self) -> None:
        if not self.over and self.connection is not None and self.connection.link is not None:
            self.connection.link.resume()


class Http1Connection:
    """One connection, for one request after the other. A Receiver of its Link."""

    __slots__ = (
        "_asks_to_close",
        "_buf",
        "_cancel",
        "_drain_bytes",
        "_heads",
        "_heard",
        "_idle_said_s",
        "_is_asked",
        "_is_closed",
        "_owner",
        "_reader",
        "_reads_until_closed",
        "_request",
        "_response",
        "_upload",
        "answers",
        "call",
        "is_draining",
        "link",
        "target",
    )

    def __init__(self, target: Target, owner: Http1Owner) -> None:
        self.target = target
        self.link: Link | None = None
        self.answers = 0
        """Given so far."""
        self._idle_said_s: float | None = None
        self.is_draining = False
        self._owner = owner
        self.call: UpstreamCall | None = None
        """Whose answer is awaited or read."""
        self._cancel: Callable[[], None] | None = None
        self._is_closed = False
        self._forget_answer()

    def _forget_answer(self) -> None:
        self._buf = LineBuffer()
        self._request: http.Request | None = None
        """Until the head of its answer has come."""
        self._is_asked = self._asks_to_close = False
        self._upload: Upload | None = None
        self._response: http.Response | None = None
        self._reader: BodyReader | None = None
        self._heard = False
        self._heads = AnswerHeads()
        self._drain_bytes = DRAIN_BYTES
        self.is_draining = False

    # -- requests -------------------------------------------------------------------------------------------------
    def opens_for(self, call: UpstreamCall, cancel: Callable[[], None]) -> None:
        """The connection is being made; `cancel` ends that."""
        self.call, self._cancel = call, cancel
        call.connection = self

    def send(self, call: UpstreamCall) -> None:
        """Sends the request over the open connection, which is idle."""
        assert self.link is not None
        assert not self._is_asked
        assert call.request is not None
        self.call, self._request, self._is_asked = call, call.request, True
        self._upload = call.upload
        call.connection = self
        head, body = http1.assemble_request_head(call.request), call.request.raw_content or b""
        if call.upload is not None:
            body = call.upload.beginning(body)
        if len(body) <= ONE_WRITE_BYTES:
            self.link.write(head + body)
        else:
            self.link.write(head)
            self.link.write(body)
        if call.upload is not None:
            call.upload.opens(self.link)

    def drain(self) -> None:
        """The answer is complete for who asked: little more is read before the connection is closed."""
        self.call = None
        if self.link is None or not self._has_sent_all:
            self.close()
        else:
            self.is_draining = True
            self.link.resume()
            self._owner.drains(self)

    def is_fresh(self) -> bool:
        """Whether nothing has come since its last answer: what came before a request is no answer to it."""
        return self.link is not None and not self.link.has_unread()

    def idle_s(self, most_s: float, margin_s: float) -> float:
        """How long it may be idle: `most_s`, or `margin_s` less than the provider's own limit."""
        return most_s if self._idle_said_s is None else min(most_s, max(0.0, self._idle_said_s - margin_s))

    def close(self) -> None:
        """Ends the connection; nothing more is told of it."""
        if self._is_closed:
            return
        self._is_closed = True
        self.call = None
        self._buf = LineBuffer()
        self._stop_upload()
        if self.link is not None:
            self.link.close()
        elif self._cancel is not None:
            self._cancel()
        self._owner.gone(self)

    # -- what the connection tells ----------------------------------------------------------------------------------
    def opened(self, link: Link) -> None:
        self.link, call = link, self.call
        if call is None:
            link.close()
            return
        self.send(call)
        call.told(call, (Connected(link.server),))

    def failed(self, why: str) -> None:
        call = self._over()
        if call is not None:
            call.over = True
            call.told(call, (NoConnection(why),))

    def closed(self) -> None:
        asked, heard, reused = self._is_asked, self._heard, self.answers > 0
        events = self._end_of_connection() if self.call is not None else ()
        call = self._over()
        if call is None:
            return
        if asked and reused and not heard and not call.repeated:
            self._owner.again(call)
            call.told(call, (RECONNECTING,))
            return
        call.over = True
        call.told(call, events)

    def taken(self) -> None:
        if self.call is not None and self._upload is not None and not self._upload.is_full:
            self.call.told(self.call, (TAKEN,))

    def received(self, data: bytes) -> None:
        if self._is_closed:
            return
        if not self._is_asked:
            log.info("a provider sent something that nobody asked for; its connection is closed")
            self.close()
            return
        if self.is_draining:
            self._drain_bytes -= len(data)
            if self._drain_bytes < 0:
                self.close()
                return
        self._heard = True
        self._buf += data
        events: list[UpstreamEvent] = []
        fault = (self._read_head(events) if self._reader is None else "") or self._read_body(events)
        call = self.call
        if fault:
            events.append(Broken(f"HTTP/1 protocol error: {fault}", closed=False))
            self.close()
            if call is not None:
                call.over = True
        elif events and events[-1] is ENDED:
            self._answer_ended()
            if call is not None:
                call.over = True
        if call is not None and events:
            call.told(call, tuple(events))

    # -- heads ----------------------------------------------------------------------------------------------------
    def _read_head(self, events: list[UpstreamEvent]) -> str:
        """Reads the final head as soon as it is whole. Gives what is wrong with it."""
        assert self._request is not None
        try:
            response = self._heads.final(self._buf)
            if response is None:
                return ""
            size = http1.expected_http_body_size(self._request, response)
        except TooLarge as e:
            return f"the head of the answer is {e}"
        except ValueError:
            return "the head of the answer is malformed"
        if response.http_version not in HTTP1:
            return "an unknown version of HTTP"
        self._response, self._reader = response, reader_of(size)
        self._asks_to_close = is_last(self._request.http_version, self._request.headers)
        self._request = None
        if self.call is not None:
            self.call.request = None
        self._reads_until_closed = size == -1
        events.append(Answered(response))
        return ""

    # -- bodies ---------------------------------------------------------------------------------------------------
    def _read_body(self, events: list[UpstreamEvent]) -> str:
        """Reads what has come of the body. Gives what is wrong with it."""
        if self._reader is None:
            return ""
        found = read_on(self._reader, self._buf)
        if found.pieces:
            events.append(Body(found.pieces))
        if found.ended:
            events.append(ENDED)
        return found.fault

    def _answer_ended(self) -> None:
        """The connection becomes idle, unless one of both sides wants it closed, or anything was odd."""
        assert self.link is not None
        assert self._response is not None
        response = self._response
        reusable = not (
            self._reads_until_closed
            or not self._has_sent_all
            or self._buf
            or (isinstance(self._reader, ChunkedBodyReader) and self._reader.ends_oddly)
            or response.status_code == 101
            or self.link.unsent()
            or self._asks_to_close
            or is_last(response.http_version, response.headers)
        )
        if not reusable:
            self.close()
            return
        self.answers += 1
        self._idle_said_s = _keep_alive_s(response)
        self.link.resume()
        self.call = None
        self._forget_answer()
        self._owner.idle(self)

    @property
    def _has_sent_all(self) -> bool:
        """The request's body is whole; else no other request can follow on the connection."""
        return self._upload is None or self._upload.has_ended

    def _stop_upload(self) -> None:
        if self._upload is not None:
            self._upload.closes()
            self._upload = None

    # -- ends -----------------------------------------------------------------------------------------------------
    def _end_of_connection(self) -> tuple[UpstreamEvent, ...]:
        if self._reader is None:
            half = bool(self._buf)
            why = "the connection was closed in the middle of a head" if half else "server closed connection"
            return (Broken(why, closed=True),)
        try:
            self._reader.read_eof()  # type: ignore[attr-defined]
        except h11.ProtocolError as e:
            return (Broken(f"HTTP/1 protocol error: {e}", closed=True),)
        return (ENDED,)

    def _over(self) -> UpstreamCall | None:
        """The connection is closed already. Gives whom to tell."""
        call, self.call = self.call, None
        self._stop_upload()
        if not self._is_closed:
            self._is_closed = True
            self._owner.gone(self)
        return call


def _keep_alive_s(response: http.Response) -> float | None:
    """The provider's limit for an idle connection, in seconds: `Keep-Alive: timeout=5` (RFC 2068, 19.7.1.1)."""
    said = value_of(response.headers.fields, b"keep-alive")
    found = _KEEP_ALIVE.search(said) if said is not None else None
    return float(found[1]) if found else None
