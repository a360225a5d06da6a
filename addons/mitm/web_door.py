"""The door of mitmweb: checks every request before its web server, which shares the gateway's event loop.

mitmweb reads and parses a request whole (4 GB are allowed) before it asks for the password, it looks at no Host header,
and each password costs it a slow hash on the loop. Here every request is judged by its head alone, with tornado's own
delegates (tornado.httputil): who is not signed in gets the password page or a refusal and nothing is read for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from weakref import WeakSet

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
    parse_cookie,
)
from tornado.web import decode_signed_value

from addons.mitm.web_heads import FIELDS, Refused, body_length, is_form, known_host, token_of
from addons.mitm.web_passwords import Passwords

HEAD_BYTES: Final = 32 * 1024
HEAD_S: Final = 30.0
"""A connection that sends no request, a kept one too, is closed after so long."""
BODY_S: Final = 60.0
DRAIN_S: Final = 5.0
BODY_BYTES: Final = 8 * 1024 * 1024
"""Flow files put into mitmweb and edited bodies; only for who is signed in."""
FORM_BYTES: Final = 64 * 1024
"""mitmweb's one form is its password page."""
SIGN_IN_BYTES: Final = 4096
DRAINED_BYTES: Final = 256 * 1024
"""So much of a refused body is read and dropped, that the client gets to read its refusal; more is cut off."""
CONNECTIONS: Final = 64

_SIGN_IN: Final = "open the link that was printed at the start, or sign in at /"


class Router(Protocol):
    """tornado's router of new requests: `tornado.web.Application.start_request`."""

    def __call__(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate: ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """mitmweb's cookie: how it is signed, what it is called and what it says."""

    secret: bytes
    name: Callable[[], str]
    value: bytes

    def says(self, headers: HTTPHeaders) -> bool:
        shown = parse_cookie(headers.get("Cookie", "")).get(self.name())
        return decode_signed_value(self.secret, self.name(), shown, min_version=2) == self.value


class WebDoor:
    """The router in the place of `enter`, mitmweb's own. `web_host` is the address mitmweb was told to listen on."""

    def __init__(self, enter: Router, passwords: Passwords, signed_in: SignedIn, web_host: Callable[[], str]) -> None:
        self.enter = enter
        self.passwords = passwords
        self.signed_in = signed_in
        self.web_host = web_host
        self.strangers = 0
        """How many requests named a foreign Host."""
        self.ready = False
        """Nobody is let in before; mitmproxy also ends when anything is logged as an error while it starts."""
        self._connections: WeakSet[HTTP1ServerConnection] = WeakSet()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """The handler of a new request; tornado asks for it before a byte of the request is read."""
        assert isinstance(server_conn, HTTP1ServerConnection)
        assert isinstance(request_conn, HTTP1Connection)
        # One object for all connections of the server, and the only way to it once the server listens.
        server_conn.params.max_header_size, server_conn.params.header_timeout = HEAD_BYTES, HEAD_S
        self._connections.add(server_conn)
        if len(self._connections) > CONNECTIONS and self._open() > CONNECTIONS:
            request_conn.close()
        return _Request(self, server_conn, request_conn)

    def _open(self) -> int:
        """The number of connections there are now; tornado does not say when one ends."""
        for ended in [one for one in self._connections if one.stream.closed()]:
            self._connections.discard(ended)
        return len(self._connections)

    def check_head(self, line: RequestStartLine, headers: HTTPHeaders, local_address: str) -> None:
        """Checks what holds for everybody. Raises Refused."""
        hosts = headers.get_list("Host")
        if len(hosts) != 1 or not known_host(hosts[0], self.web_host(), local_address):
            self.strangers += 1
            raise Refused(HTTPStatus.FORBIDDEN, "the inspector answers to localhost and to its own address only")
        if not self.ready:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the inspector is starting; try again in a moment")
        if not line.path.startswith("/"):
            raise Refused(HTTPStatus.BAD_REQUEST, "this is no proxy")
        if sum(1 for _ in headers.get_all()) > FIELDS:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {FIELDS} header fields")
        length = body_length(headers)
        if is_form(headers) and (length is None or length > FORM_BYTES):
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a form has {FORM_BYTES} bytes at most")
        if length is not None and length > BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has {BODY_BYTES} bytes at most")


class _Request(HTTPMessageDelegate):
    """One request on its way through the door."""

    def __init__(self, door: WebDoor, server_conn: HTTP1ServerConnection, conn: HTTP1Connection) -> None:
        self._door = door
        self._server_conn = server_conn
        self._conn = conn
        self._inner: HTTPMessageDelegate | None = None
        self._head: tuple[RequestStartLine, HTTPHeaders] | None = None
        self._form: bytearray | None = None
        """The password page's form while it arrives."""

    async def headers_received(self, start_line: object, headers: HTTPHeaders) -> None:
        assert isinstance(start_line, RequestStartLine)
        self._head = start_line, headers
        self._conn.set_max_body_size(DRAINED_BYTES)
        self._conn.set_body_timeout(BODY_S)
        try:
            self._door.check_head(start_line, headers, str(self._conn.stream.socket.getsockname()[0]))
            if self._door.signed_in.says(headers) or await self._shows_password(start_line, headers):
                await self._let_in()
            else:
                await self._receive(start_line, headers)
        except Refused as refusal:
            self._refuse(refusal)

    async def _shows_password(self, line: RequestStartLine, headers: HTTPHeaders) -> bool:
        """Whether the request shows the password as mitmweb takes it: `Authorization: Bearer …` or `?token=…`."""
        scheme, _, shown = headers.get("Authorization", "").partition(" ")
        password = shown if scheme == "Bearer" else ""
        password = password or token_of(line.path.partition("?")[2])
        return bool(password) and await self._door.passwords.proves(password)

    async def _receive(self, line: RequestStartLine, headers: HTTPHeaders) -> None:
        """Serves the password page and its form to somebody who is not signed in. Raises Refused."""
        length = body_length(headers)
        at_page = line.path.partition("?")[0] == "/"
        if at_page and line.method in ("GET", "HEAD") and length == 0:
            await self._let_in()
        elif at_page and line.method == "POST" and is_form(headers) and length is not None and length <= SIGN_IN_BYTES:
            self._form = bytearray()
            await self._read_form(b"")
        else:
            raise Refused(HTTPStatus.FORBIDDEN, f"not signed in: {_SIGN_IN}")

    async def _read_form(self, piece: bytes) -> None:
        """Takes the form's next piece; when it is whole, the password in it is tried. Raises Refused."""
        assert self._form is not None
        assert self._head is not None
        self._form += piece
        if len(self._form) < (body_length(self._head[1]) or 0):
            return
        form, self._form = bytes(self._form), None
        if password := token_of(form.decode("latin-1")):
            await self._door.passwords.proves(password)  # mitmweb asks `known` and shows its page again
        await self._let_in()
        assert self._inner is not None
        if form and (waiting := self._inner.data_received(form)) is not None:
            await waiting

    async def _let_in(self) -> None:
        assert self._head is not None
        self._conn.set_max_body_size(BODY_BYTES)
        self._inner = self._door.enter(self._server_conn, self._conn)
        if (waiting := self._inner.headers_received(*self._head)) is not None:
            await waiting

    async def data_received(self, chunk: bytes) -> None:
        if self._form is not None:
            try:
                await self._read_form(chunk)
            except Refused as refusal:
                self._refuse(refusal)
        elif self._inner is not None and (waiting := self._inner.data_received(chunk)) is not None:
            await waiting

    def finish(self) -> None:
        if self._inner is not None:
            self._inner.finish()
        else:
            self._conn.finish()  # a refusal whose body has been drained

    def on_connection_close(self) -> None:
        if self._inner is not None:
            self._inner.on_connection_close()

    def _refuse(self, refusal: Refused) -> None:
        assert self._head is not None
        line, headers = self._head
        text = f"{refusal.why}\n".encode()
        told = HTTPHeaders({"Content-Type": "text/plain; charset=UTF-8", "Content-Length": str(len(text))})
        told["Connection"] = "close"
        told["X-Content-Type-Options"] = "nosniff"
        status = ResponseStartLine("HTTP/1.1", refusal.status, refusal.status.phrase)
        self._conn.write_headers(status, told, b"" if line.method == "HEAD" else text)
        self._conn.set_body_timeout(DRAIN_S)
        if self._is_unreadable(headers):
            self._conn.finish()  # and closed, with the body unread

    @staticmethod
    def _is_unreadable(headers: HTTPHeaders) -> bool:
        """Whether a refused body is not even to be drained."""
        try:
            length = body_length(headers)
        except Refused:
            return True
        return length is None or length > DRAINED_BYTES or "Expect" in headers
