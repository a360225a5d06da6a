"""A client's HTTP/1 connection, sans-IO in the manner of h11: bytes in, requests out as events; answers in, bytes out.

mitmproxy parses the heads and we check them first; what is refused here never becomes a request for anybody else. A
connection whose request is refused before it is whole is hung up at once: what still comes is dropped for a moment, so
that the client reads the refusal, and then the connection is closed.

A driver tells what came (`receive`, `closed`, `tick`), asks for events until there is none (`next_event`; not behind a
tick), tells the answer (`send_head`, `send_data`, `send_end`, `break_off`), and after each of these writes what there
is to write (`take_output`), and then ends as much of the connection as `closing` says.
"""

from collections.abc import Sequence
from typing import Final

import h11
from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.net.http import http1, status_codes

from addons.errors import GatewayError
from addons.framing.chunks import FRAMING_BYTES, FramedReader, read_on, reader_of
from addons.framing.lines import Bound, LineBuffer, TooLarge
from addons.framing.persistence import is_last
from addons.stream.answer_framing import framing_of
from addons.stream.client_events import END, ClientEvent, Data, Head, Left, Refused
from addons.stream.connection_end import NEVER, Closing, ConnectionEnd, Stage
from addons.stream.connection_limits import is_same_machine
from addons.stream.deps import StreamDeps, Timed
from addons.stream.request_head import HEAD_BYTES, HeadRefused, read_head

BLANK_BYTES: Final = 64
"""Blank lines before a request; some clients send one behind a body."""
UNREAD_BYTES: Final = 64 * 1024
"""An answer of more is looked after until the client has read it; less goes with a connection that rests too long."""
PIPELINED_BYTES: Final = 256 * 1024
"""What is kept of requests that a client sends before it has its answer."""

PLAIN: Final = (
    "this port speaks https: use https:// in the base URL. What was sent now could be read on its way; if a key was in "
    "it, get another"
)


class ClientHttp1(ConnectionEnd):
    """One client connection. Where it has an `owner`, that is registered with its deadline, and ticked in its place."""

    __slots__ = (
        "_ahead",
        "_asked_to_close",
        "_blank_bytes",
        "_body_bytes",
        "_buf",
        "_closes",
        "_has_left",
        "_head",
        "_is_chunked",
        "_is_deaf",
        "_is_head",
        "_owed_bytes",
        "_reader",
        "_says",
        "_sent_bytes",
        "_unread_bytes",
    )

    def __init__(self, deps: StreamDeps, client: Connection, owner: Timed | None = None) -> None:
        super().__init__(deps, client, owner)
        self._buf = LineBuffer()
        """What has come and is not yet read."""
        self._ahead: list[ClientEvent] = []
        """What was read and not yet asked for, the next one last."""
        self._has_left = False
        """The client has ended its side; that is told behind all that came before."""
        self._head: Sequence[bytes] = ()
        """The lines of a head until it is accepted."""
        self._blank_bytes = self._body_bytes = 0
        self._reader: FramedReader | None = None
        self._is_head = self._asked_to_close = False
        """Of the request: its method, and that its connection is to end with it."""
        self._says = self._is_chunked = self._closes = False
        """Of the answer: its head is out, its body goes out in chunks, the connection ends with it."""
        self._owed_bytes: int | None = None
        """Of the body of a whole answer, what the client does not have yet; None for a stream or before an answer."""
        self._sent_bytes = 0
        """Of the answer's body."""
        self._unread_bytes: int | None = None
        """Of an answer that is over, what the client had not read when that was last looked at."""
        self._is_deaf = False
        """The client sent more in advance than is kept: its connection ends with this answer."""

    @property
    def is_between_requests(self) -> bool:
        """Nothing is under way: no request has begun, or the last one has its answer."""
        return self._state is Stage.HEAD and not self._buf

    @property
    def _has_all(self) -> bool:
        """The client has all of its answer: it may go on, though the gateway has still to note that it is over."""
        return self._owed_bytes is not None and self._owed_bytes <= 0

    @property
    def is_far_ahead(self) -> bool:
        """The client has its answer and has sent a lot behind it: read no more of it until `send_end`."""
        return len(self._buf) > PIPELINED_BYTES and self._state is Stage.WAIT

    # -- in -------------------------------------------------------------------------------------------------------
    def receive(self, data: bytes) -> None:
        """Takes bytes of the client's. Ask for events before there are more of them: then little is kept."""
        state = self._state
        if state is Stage.HEAD or state is Stage.BODY:
            self._buf += data
        elif state is Stage.WAIT:
            if self._is_deaf:
                return
            self._buf += data
            if len(self._buf) > PIPELINED_BYTES and not self._has_all:
                self._is_deaf = True
                self._buf = LineBuffer()
        elif state is Stage.LINGER:
            self._linger_bytes -= len(data)
            if self._linger_bytes < 0:
                self._close()

    def closed(self, *, is_gone: bool = False) -> None:
        """The client has ended its side. Where it `is_gone` altogether, what it sent in advance is dropped."""
        self._has_left = True
        if self._state is Stage.LINGER or (is_gone and self._state in (Stage.HEAD, Stage.OVER)):
            self._close()

    def tick(self, unsent: int) -> None:
        """The deadline has passed, or the gateway stops. No event comes of it. `unsent`: so many bytes wait until the
        client reads."""
        late = self._deps.clock() >= self.deadline
        if late and self._unread_bytes is not None:
            self._look_at_unread(self._unread_bytes, unsent)
        elif late and self._state is Stage.HEAD and self._buf:
            self._refuse(408, f"the request's head did not arrive within {self._deps.limits.head_s:g} s")
        elif (late and self._state is Stage.HEAD) or (self._state is Stage.LINGER and (late or self.ending)):
            self._close()
        elif late or self.ending:
            self._unwatch()

    def next_event(self) -> ClientEvent | None:
        """What comes next of the client's requests; None: nothing until more was received, or an answer has ended."""
        if self._ahead:
            return self._ahead.pop()
        if self._state is Stage.HEAD:
            if (head := self._read_head()) is not None:
                return head
        elif self._state is Stage.BODY and self._buf:
            self._read_body()
            if self._ahead:
                return self._ahead.pop()
        return self._leaves() if self._has_left else None

    # -- requests -------------------------------------------------------------------------------------------------
    def _read_head(self) -> Head | None:
        buf, limits = self._buf, self._deps.limits
        if not buf:
            return None
        try:
            self._blank_bytes += buf.skip_blank_lines()
            if self._blank_bytes > BLANK_BYTES:
                raise TooLarge("blank lines and nothing else")
            lines = buf.take_lines(Bound(HEAD_BYTES, limits.head_fields + 1)) if buf else None
        except TooLarge:
            bounds = f"{HEAD_BYTES // 1024} KB and {limits.head_fields} fields (limits.header_fields)"
            self._refuse(431, f"the request's head is too large: at most {bounds} are read")
            return None
        if lines is None:
            self._watch_head()
            return None
        self._head = lines
        try:
            request, size = read_head(lines)
        except HeadRefused as refused:
            self._refuse(refused.status, str(refused))
            return None
        client = self._client
        if self._deps.wants_tls and not client.tls and not is_same_machine(self._peer, client.sockname or ()):
            self._refuse(400, PLAIN, "https_required")
            return None
        return self._accept(request, size)

    def _accept(self, request: http.Request, size: int | None) -> Head:
        self._unwatch()
        self._deps.credentials.put(request)
        self._deps.tracker.spoke(self._peer)
        self._deps.tracker.busy(self._peer)
        self._is_head = request.method.upper() == "HEAD"
        self._asked_to_close = is_last(request.http_version, request.headers)
        self._head, self._owed_bytes, self._blank_bytes, self._body_bytes = (), None, 0, 0
        self._unread_bytes = None
        if size == 0:
            self._state = Stage.WAIT
            self._ahead.append(END)
        elif size is not None and size <= min(len(self._buf), self._deps.limits.most_bytes):
            self._state = Stage.WAIT  # the usual case: all of it came with its head, and needs no reader
            self._ahead += (END, Data(self._buf.take(size)))
        else:
            self._state = Stage.BODY
            self._reader = reader_of(size, wants_fields=True)  # else others may take it for another request
        return Head(request, size == 0)

    def _read_body(self) -> None:
        """Reads on in the body as far as it has come."""
        assert self._reader is not None
        before = len(self._buf)
        found = read_on(self._reader, self._buf)
        self._body_bytes += before - len(self._buf)
        ahead: list[ClientEvent] = [Data(piece) for piece in found.pieces]
        limits = self._deps.limits
        if self._body_bytes > limits.most_bytes + FRAMING_BYTES:
            ahead.append(self._give_up(GatewayError(413, limits.body_message, code="request_too_large")))
        elif found.fault:
            message = f"the request's body is malformed: {found.fault}"
            ahead.append(self._give_up(GatewayError(400, message, code="bad_http_request")))
        elif found.ended:
            self._state, self._reader = Stage.WAIT, None
            ahead.append(END)
        self._ahead = ahead[::-1] + self._ahead

    def _give_up(self, error: GatewayError) -> Refused:
        """The answer says why; until then what comes is dropped."""
        self._buf = LineBuffer()
        self._state = Stage.DROP
        return Refused(error)

    def _leaves(self) -> Left | None:
        """What it means that the client has ended its side: for practical purposes, it wants nothing any more."""
        left = None
        if self._state is Stage.WAIT:
            left = Left("Client disconnected.")
        elif self._reader is not None:
            try:
                self._reader.read_eof()
            except h11.ProtocolError as e:
                left = Left(f"HTTP/1 protocol error: {e}")
        self._close()
        return left

    # -- answers --------------------------------------------------------------------------------------------------
    def send_head(self, response: http.Response) -> None:
        """Sends the head of an answer, or an interim one (100). An answer to what is not whole ends its connection."""
        if self.closing is not Closing.OPEN:
            return  # who answers does not know yet that the client was hung up
        if response.status_code == 100:
            self._out.append(http1.assemble_response_head(response))
            return
        if self._is_early():
            response.headers["connection"] = "close"
        if response.is_http2 or response.is_http3:
            response = response.copy()
            response.http_version = "HTTP/1.1"
            response.reason = status_codes.RESPONSES.get(response.status_code, "")
        framing = framing_of(response, to_head=self._is_head)
        self._owed_bytes, self._is_chunked = framing.length, framing.is_chunked
        self._closes = self._asked_to_close or framing.closes
        self._says = True
        self._sent_bytes = 0
        self._out.append(http1.assemble_response_head(response))

    def send_data(self, data: bytes) -> None:
        """Sends bytes of the answer's body."""
        if self.closing is not Closing.OPEN:
            return
        self._sent_bytes += len(data)
        if self._owed_bytes is not None:
            self._owed_bytes -= len(data)
        if not self._is_chunked:
            self._out.append(data)
        elif data:  # as a chunk of nothing it would be the end of the body
            self._out.append(b"%x\r\n%s\r\n" % (len(data), data))

    def send_end(self) -> None:
        """Ends the answer. Behind it the next request may have come already: ask for events."""
        if self.closing is not Closing.OPEN:
            return
        if self._is_chunked and not self._is_head:
            self._out.append(b"0\r\n\r\n")
        if self._is_deaf or self._is_early():
            self._hang_up()
            return
        self._deps.tracker.idle(self._peer)
        if self._closes:
            self._close()
            self._watch_reading(self._sent_bytes)
            return
        self._ahead.clear()  # of a request that was answered before anybody asked for the rest of it
        self._says = False
        self._state = Stage.HEAD
        self._watch_reading(self._sent_bytes)

    def break_off(self, status: int | None, message: str) -> None:
        """Ends an answer that cannot be ended properly: where its head is not out, with an error of this status."""
        if self.closing is not Closing.OPEN:
            return
        if self._says or status is None:
            self._close()
        else:
            self._tell(status, message, "bad_http_request", ())

    def _is_early(self) -> bool:
        """The answer comes before its request is whole; what has come of that, asked for or not, counts."""
        if self._state is Stage.BODY and self._buf:
            self._read_body()
        return self._state is not Stage.WAIT

    # -- refusals and the end -------------------------------------------------------------------------------------
    def _refuse(self, status: int, message: str, code: str = "bad_http_request") -> None:
        """Refuses a head."""
        self._tell(status, message, code, self._head or bytes(self._buf)[:HEAD_BYTES].splitlines())

    def _forget(self) -> None:
        self._buf, self._head, self._reader = LineBuffer(), (), None
        self._ahead.clear()

    # -- time -----------------------------------------------------------------------------------------------------
    def _watch_head(self) -> None:
        """Sets the deadline of a head that has begun; a quiet connection between requests may wait."""
        if (self.deadline == NEVER or self._unread_bytes is not None) and not self._has_left:
            self._unread_bytes = None
            self._deps.tracker.spoke(self._peer)
            self._watch(self._deps.limits.head_s)

    def _watch_reading(self, unread: int) -> None:
        """Of an answer that is over, so much may still wait until the client reads."""
        if unread > UNREAD_BYTES:
            self._unread_bytes = unread
            self._watch(self._deps.limits.stall_s)

    def _look_at_unread(self, before: int, unsent: int) -> None:
        self._unread_bytes = None
        if not unsent:
            self._unwatch()
        elif unsent < before:
            self._unread_bytes = unsent
            self._watch(self._deps.limits.stall_s)
        else:
            self._close()
            self.closing = Closing.ABORTED
