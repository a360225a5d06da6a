"""The sandbox's sites without sockets: each has an address of its own, and connections to it are streams in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Self

import h11
import httpx

from providers.sandbox.run import SITES
from providers.sandbox.server import Site, attend
from providers.sandbox.sign_in_page import sign_in_pages
from tests.support.virtual_time import VirtualLoop

PIECE_BYTES: Final = 65535
"""As much as mitmproxy reads at once."""
_FIRST_PORT: Final = 2001
AT_MOST_S: Final = 1800.0
WAY_S: Final = 0.001
"""How long anything is on its way: what follows from an answer is later than what was asked."""


class Sites:
    """`with Sites() as sites:` serves them on a loop in virtual time, which moves while something is waited for.

    Their objects can be looked at and switched by the test, as those of SandboxThread.
    """

    def __init__(self, names: Sequence[str] = tuple(SITES), own: Mapping[str, Site] | None = None) -> None:
        self._all: dict[str, Site] = {}
        for name, site in ({name: SITES[name]() for name in names} | dict(own or {})).items():
            self._all |= {name: site} | {f"{name}-{suffix}": other for suffix, other in site.companions().items()}
        for name, site in self._all.items():
            site.pages = sign_in_pages(name) | site.pages
        self._ports = {name: port for port, name in enumerate(self._all, _FIRST_PORT)}
        for name, site in self._all.items():
            site.address = f"http://127.0.0.1:{self._ports[name]}"
        self._by_port = {self._ports[name]: site for name, site in self._all.items()}
        self._lines: set[Line] = set()
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)

    def __enter__(self) -> Self:
        self.loop = self._runner.get_loop()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._end())
        self._runner.close()

    async def _end(self) -> None:
        lines = list(self._lines)
        for line in lines:
            line.close()
        await asyncio.gather(*(line.task for line in lines))

    def run[T](self, work: Coroutine[Any, Any, T], at_most_s: float = AT_MOST_S) -> T:
        """Raises TimeoutError when it takes too long: in virtual time a wait without end would be one of ours too."""
        return self._runner.run(_limited(work, at_most_s))

    def pass_s(self, seconds: float) -> None:
        """Time passes."""
        self.run(asyncio.sleep(seconds), seconds + 1)

    def site(self, name: str) -> Any:
        return self._all[name]

    def wait_for(self, name: str, check: Callable[[], bool], timeout_s: float = 60) -> None:
        """Until `check()` holds for the site; raises TimeoutError."""
        self.run(self._all[name].wait_for(check, timeout_s))

    def description(self) -> dict[str, Any]:
        """Addresses and ready sessions, as Sandbox describes its own."""
        return {
            "base_urls": {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()},
            "sessions": {name: site.session() for name, site in self._all.items() if hasattr(site, "session")},
        }

    # -- the network -----------------------------------------------------------------------------------------------
    def at(self, address: object) -> Site | None:
        """The site that listens there."""
        return self._by_port.get(address[1]) if isinstance(address, tuple) else None

    def connect(self, site: Site, told: Callable[[bytes], None]) -> "Line":
        """A new connection; `told` gets what the site sends, and b"" at its end."""
        line = Line(site, told)
        self._lines.add(line)
        line.task.add_done_callback(lambda _: self._lines.discard(line))
        return line

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """The answer to a call of the gateway's own."""
        site = self.at((request.url.host, request.url.port))
        if site is None:
            raise httpx.ConnectError("Connection refused")
        lines = [b"%s: %s" % field for field in request.headers.raw]
        head = b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)
        said: asyncio.Queue[bytes] = asyncio.Queue()
        await asyncio.sleep(WAY_S)
        line = self.connect(site, said.put_nowait)
        try:
            line.send(b"\r\n".join([head, *lines, b"", b""]) + await request.aread())
            async with asyncio.timeout((request.extensions.get("timeout") or {}).get("read")):
                reader = AnswerReader(request.method, said.get)
                status, fields = await reader.head()
                content = b"".join([piece async for piece in reader.body()])
        except TimeoutError:
            raise httpx.ReadTimeout("") from None
        finally:
            line.close()
        await asyncio.sleep(WAY_S)
        return httpx.Response(status, headers=fields, content=_in_one_piece(content))


async def _limited[T](work: Coroutine[Any, Any, T], at_most_s: float) -> T:
    async with asyncio.timeout(at_most_s):
        return await work


async def _in_one_piece(content: bytes) -> AsyncIterator[bytes]:
    """httpx reads bytes when it is given them, and a body but once."""
    yield content


class Line:
    """One connection to a site."""

    def __init__(self, site: Site, told: Callable[[bytes], None]) -> None:
        self._reader = asyncio.StreamReader()
        self._ended = False
        writer: Any = _Writer(told)
        self.task = asyncio.ensure_future(attend(site, self._reader, writer))

    def send(self, data: bytes) -> None:
        if not self._ended:
            self._reader.feed_data(data)

    def close(self) -> None:
        """No more comes; what the site is at with it ends."""
        if not self._ended:
            self._ended = True
            self._reader.feed_eof()


class _Writer:
    """As much of a StreamWriter, its transport and its socket as a site uses."""

    def __init__(self, told: Callable[[bytes], None]) -> None:
        self._told = told
        self._closed = False
        self.transport = self

    def write(self, data: bytes) -> None:
        for at in range(0, len(data), PIECE_BYTES):
            if not self._closed:
                self._told(data[at : at + PIECE_BYTES])

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._told(b"")

    abort = close

    async def wait_closed(self) -> None:
        pass

    def get_extra_info(self, name: str) -> "_Writer":
        return self

    def setsockopt(self, *_: object) -> None:
        pass


class AnswerReader:
    """Reads one answer with another's HTTP. `more` gives the next bytes, b"" at the connection's end.

    Raises httpx.RemoteProtocolError for an answer that is none or breaks off, as httpx does.
    """

    def __init__(self, method: str, more: Callable[[], Coroutine[Any, Any, bytes]]) -> None:
        self._more = more
        self._reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=1_000_000)
        self._reader.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        self._reader.send(h11.EndOfMessage())
        self.over = False

    async def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        while not isinstance(event := await self._next(), h11.Response):
            if isinstance(event, h11.ConnectionClosed):
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return event.status_code, event.headers.raw_items()

    async def body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)
        self.over = True

    async def _next(self) -> object:
        try:
            while (event := self._reader.next_event()) is h11.NEED_DATA:
                self._reader.receive_data(await self._more())
        except h11.RemoteProtocolError as e:
            raise httpx.RemoteProtocolError(str(e)) from e
        return event
