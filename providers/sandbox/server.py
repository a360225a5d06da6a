"""A small HTTP/1.1 server for the sandbox sites, with control over every byte that leaves.

Requests are parsed by h11; answers are written by hand, because a stand-in must also be able to misbehave: cut a body
anywhere, reset the connection, fall silent, compress, split one character over two packets.
"""

import asyncio
import contextlib
import functools
import json
import socket
import ssl
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import brotli
import h11
import zstandard

BODY_LIMIT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived. `headers` by lower-case name, `query` decoded (last value wins)."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def bearer(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}


class Gone(Exception):
    """The client has left, or the answer ended the connection on purpose."""


class Wire:
    """The response writer of one request, down to single bytes."""

    def __init__(self, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        self._writer = writer
        self._gone = gone
        self._pack: Callable[[bytes], bytes] | None = None
        self._finish_pack: Callable[[], bytes] | None = None
        self.answered = False
        self.keep_open = True

    async def respond(
        self, status: int, body: bytes | str | object, content_type: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Sends a whole answer. A body that is neither bytes nor text is sent as JSON."""
        if not isinstance(body, bytes | str):
            body, content_type = json.dumps(body, ensure_ascii=False), content_type or "application/json"
        data = body.encode() if isinstance(body, str) else body
        fields = {"content-type": content_type or "text/plain", "content-length": str(len(data)), **(headers or {})}
        self._head(status, fields)
        self._writer.write(data)
        await self._drain()

    async def begin(
        self,
        content_type: str = "text/event-stream; charset=utf-8",
        *,
        encoding: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Sends the head of a stream, chunked; its pieces are compressed when an encoding is given."""
        fields = {"content-type": content_type, "transfer-encoding": "chunked", "cache-control": "no-cache"}
        fields |= headers or {}
        if encoding:
            fields["content-encoding"] = encoding
            self._pack, self._finish_pack = _packer(encoding)
        self._head(status, fields)
        await self._drain()

    async def send(self, data: bytes) -> None:
        """Sends a piece of the stream, as one chunk. Raises Gone when the client has left."""
        if self._pack is not None:
            data = self._pack(data)
        if data:
            self._writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self._drain()

    async def end(self) -> None:
        if self._finish_pack is not None and (rest := self._finish_pack()):
            self._writer.write(b"%x\r\n%s\r\n" % (len(rest), rest))
        self._writer.write(b"0\r\n\r\n")
        await self._drain()

    async def raw(self, data: bytes) -> None:
        """Sends bytes as they are, without any framing."""
        self.answered = True
        self._writer.write(data)
        await self._drain()

    def reset(self) -> None:
        """Ends the connection with a TCP reset. Raises Gone."""
        sock = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the client was first
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise Gone

    def hang_up(self) -> None:
        """Ends the connection in the middle of the answer. Raises Gone."""
        self._writer.close()
        raise Gone

    async def wait_gone(self) -> None:
        """Waits until the client leaves. Raises Gone."""
        await self._gone.wait()
        raise Gone

    async def pause(self, seconds: float) -> None:
        """Waits, but not for a client that has left. Raises Gone."""
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            return
        raise Gone

    def _head(self, status: int, fields: Mapping[str, str]) -> None:
        self.answered = True
        lines = [f"HTTP/1.1 {status} Sandbox", *(f"{name}: {value}" for name, value in fields.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def _drain(self) -> None:
        if self._gone.is_set():
            raise Gone
        try:
            await self._writer.drain()
        except ConnectionError:
            raise Gone from None


def _packer(encoding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """A function that compresses and flushes a piece, and one for the end."""
    if encoding == "br":
        packer = brotli.Compressor(quality=1)
        return lambda data: packer.process(data) + packer.flush(), packer.finish
    if encoding == "zstd":
        stream = zstandard.ZstdCompressor().compressobj()
        flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        return lambda data: stream.compress(data) + stream.flush(flush), stream.flush
    zipper = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    return lambda data: zipper.compress(data) + zipper.flush(zlib.Z_SYNC_FLUSH), zipper.flush


@dataclass
class Site(ABC):
    """A stand-in site. It remembers the requests it got and how many connections are open."""

    name: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    address: str = ""
    """Where it is served, `http://host:port`: for what it tells of itself and its companions."""
    slip: str = ""
    """How its model goes wrong, always: a name of models/slips.py, or `any`. Nothing: it obeys."""
    pages: dict[str, str] = field(default_factory=dict)
    """HTML by path, for a browser (sign_in_page.py); it goes before what the site itself answers there."""

    met: set[tuple[str, str]] = field(default_factory=set)
    """Faults that befall a prompt but once, and the prompts that they have befallen (script.py)."""

    @abstractmethod
    async def handle(self, request: Request, wire: Wire) -> None: ...

    def companions(self) -> Mapping[str, "Site"]:
        """Further hosts of the same site, by suffix: served as NAME-SUFFIX."""
        return {}

    async def wait_for(self, check: Callable[[], bool], timeout_s: float = 60) -> None:
        """Waits until `check()` holds; looked at whenever a request arrives or a connection opens or closes."""
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(check)

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


async def serve(site: Site, host: str, port: int, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Starts the site's server, over TLS when a context is given."""
    return await asyncio.start_server(functools.partial(attend, site), host, port, ssl=tls)


async def attend(site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one connection of a client until either side ends it."""
    site.connections += 1
    await site.notify()
    try:
        await _Connection(site, reader, writer).run()
    except (Gone, ConnectionError, asyncio.IncompleteReadError, h11.RemoteProtocolError):
        pass
    finally:
        site.connections -= 1
        writer.close()
        with contextlib.suppress(Exception):
            await writer.wait_closed()
        with contextlib.suppress(RuntimeError):
            await site.notify()


class _Connection:
    """One client connection: request after request; a client that leaves in the middle of an answer is noticed."""

    def __init__(self, site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._site = site
        self._reader = reader
        self._writer = writer
        self._parser = h11.Connection(h11.SERVER)
        self._gone = asyncio.Event()

    async def run(self) -> None:
        while (request := await self._read()) is not None:
            self._site.requests.append(request)
            await self._site.notify()
            wire = Wire(self._writer, self._gone)
            await self._guarded(request, wire)
            if not wire.keep_open or self._gone.is_set():
                return
            self._parser = h11.Connection(h11.SERVER)

    async def _guarded(self, request: Request, wire: Wire) -> None:
        page = self._site.pages.get(request.path) if request.method == "GET" else None
        work: Awaitable[None] = (
            self._site.handle(request, wire) if page is None else wire.respond(200, page, "text/html; charset=utf-8")
        )
        watch = asyncio.ensure_future(self._watch())
        try:
            await work
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _watch(self) -> None:
        """Reads ahead while the site answers: only to see the client leave."""
        try:
            data = await self._reader.read(65536)
        except ConnectionError:  # it left with words of ours unread
            data = b""
        if data:
            self._ahead = data
        else:
            self._gone.set()

    _ahead = b""

    async def _read(self) -> Request | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._parser.next_event()
            if event is h11.NEED_DATA:
                data, self._ahead = self._ahead, b""
                data = data or await self._reader.read(65536)
                if not data:
                    return None
                self._parser.receive_data(data)
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > BODY_LIMIT_BYTES:
                    return None
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                self._trailing()
                return _request(head, bytes(body))
            else:
                return None

    def _trailing(self) -> None:
        """Bytes of a pipelined next request stay for the next round."""
        data, _ = self._parser.trailing_data
        self._ahead = data


def _request(head: h11.Request, body: bytes) -> Request:
    target = urlsplit(head.target.decode("latin-1"))
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    return Request(head.method.decode(), target.path, query, headers, body)
