"""Making connections: over real sockets, with mitmproxy's options, hooks and TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.connection import ConnectionState
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from addons.upstream.dialer import DialedLink, Dialer, run_hook
from addons.upstream.port import Link, Target
from tests.support.forward_proxy import ForwardProxy
from tests.support.self_signed import make_certificate
from tests.support.upstream import CLIENT

type Test = Callable[..., Coroutine[Any, Any, None]]


def in_loop(test: Test) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner() as runner:
            runner.get_loop().set_task_factory(asyncio.eager_task_factory)  # as mitmproxy does
            runner.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


class Told:
    """A Receiver."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.why = ""
        self.data = b""
        self.is_closed = False
        self.order: list[str] = []
        self.changed = asyncio.Event()

    def opened(self, link: Link) -> None:
        self.order.append("opened")
        self.link = link
        self.changed.set()

    def failed(self, why: str) -> None:
        self.order.append("failed")
        self.why = why
        self.changed.set()

    def received(self, data: bytes) -> None:
        self.order.append("received")
        self.data += data
        self.changed.set()

    def closed(self) -> None:
        self.order.append("closed")
        self.is_closed = True
        self.changed.set()

    async def until(self, check: Callable[[], bool]) -> None:
        while not check():
            self.changed.clear()
            await self.changed.wait()


class Hooks:
    """An addon of somebody's that looks at connections."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.kills = False
        self.breaks = False
        self.waits: asyncio.Event | None = None
        """What `server_connected` waits for."""
        self.gone = asyncio.Event()

    def server_connect(self, data: ServerConnectionHookData) -> None:
        self.seen.append("connect")
        if self.kills:
            data.server.error = "not today"
        if self.breaks:
            data.server.address = None

    async def server_connected(self, data: ServerConnectionHookData) -> None:
        self.seen.append("connected")
        if self.waits is not None:
            await self.waits.wait()

    def server_connect_error(self, data: ServerConnectionHookData) -> None:
        self.seen.append("error")

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        self.seen.append("disconnected")
        self.gone.set()


class House:
    """mitmproxy's addons for connections, and a server that says what it hears."""

    def __init__(self, folder: Path) -> None:
        self.hooks = Hooks()
        self.master = Master(Options(confdir=str(folder)))
        self.master.addons.add(Proxyserver(), TlsConfig(), self.hooks)
        self.dialer = Dialer(self.master.options, lambda hook: run_hook(self.master, hook))
        self.resumed: list[bool] = []

    @asynccontextmanager
    async def server(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if found := writer.get_extra_info("ssl_object"):
                self.resumed.append(found.session_reused)
            while data := await reader.read(65536):
                writer.write(data)
                if data == b"bye":
                    break
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=tls)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def opened(self, target: Target) -> tuple[Told, DialedLink]:
        told = Told()
        self.dialer(target, CLIENT, told)
        await told.until(lambda: told.link is not None or bool(told.why))
        assert isinstance(told.link, DialedLink), told.why
        return told, told.link


@pytest.fixture
def server_side(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


@in_loop
async def test_bytes_go_and_come(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        told, link = await house.opened(Target("127.0.0.1", port, tls=False))
        assert link.server.peername == ("127.0.0.1", port)
        assert link.server.connected
        assert link.server.timestamp_tcp_setup
        link.write(b"x" * 100_000)
        await told.until(lambda: len(told.data) == 100_000)
        assert link.unsent() == 0
        link.write(b"bye")
        await told.until(lambda: told.is_closed)
        await house.dialer.tasks.settle(5)
        assert link.server.state is ConnectionState.CLOSED
        assert link.server.timestamp_end
        assert house.hooks.seen == ["connect", "connected", "disconnected"]


@in_loop
async def test_what_is_closed_tells_nothing_more(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        told, link = await house.opened(Target("127.0.0.1", port, tls=False))
        link.write(b"hello")
        link.close()
        link.write(b"hello")
        await house.hooks.gone.wait()
        assert (told.data, told.is_closed) == (b"", False)


@in_loop
async def test_nothing_listens(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        pass
    told = Told()
    house.dialer(Target("127.0.0.1", port, tls=False), CLIENT, told)
    assert not told.why, "it is never told before the call has returned"
    await told.until(lambda: bool(told.why))
    assert "Connect call failed" in told.why
    assert house.hooks.seen == ["connect", "error"]


@in_loop
async def test_an_addon_may_forbid_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.hooks.kills = True
    async with house.server() as port:
        told = Told()
        house.dialer(Target("127.0.0.1", port, tls=False), CLIENT, told)
        await told.until(lambda: bool(told.why))
        assert told.why == "Connection killed: not today"


@pytest.mark.parametrize("tls", [True, False])
@in_loop
async def test_who_no_longer_wants_it_is_told_nothing(tls: bool, tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        told = Told()
        house.dialer(Target("127.0.0.1", port, tls), CLIENT, told)()
        await house.dialer.tasks.settle(5)
        assert (told.link, told.why) == (None, "")
        assert house.hooks.seen in (["connect", "error"], ["connect"])


@in_loop
async def test_reading_waits_while_it_is_paused(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        told, link = await house.opened(Target("127.0.0.1", port, tls=False))
        link.pause()
        link.pause()
        link.write(b"hello")
        other, second = await house.opened(Target("127.0.0.1", port, tls=False))
        second.write(b"hello")
        await other.until(lambda: other.data == b"hello")
        assert told.data == b""
        link.resume()
        link.resume()
        await told.until(lambda: told.data == b"hello")
        link.close()
        second.close()


@pytest.mark.parametrize("says", [b"too early", b""])
@pytest.mark.parametrize("tls", [True, False])
@in_loop
async def test_what_comes_while_an_addon_looks_at_the_connection_is_told_afterwards(
    tls: bool, says: bytes, tmp_path: Path
) -> None:
    house = House(tmp_path)
    house.hooks.waits = asyncio.Event()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        writer.close()
        asyncio.get_running_loop().call_later(0.05, house.hooks.waits.set)  # type: ignore[union-attr]

    server = await asyncio.start_server(hasty, "127.0.0.1", 0)
    async with server:
        told = Told()
        house.dialer(Target("127.0.0.1", server.sockets[0].getsockname()[1], tls), CLIENT, told)
        await told.until(lambda: told.is_closed or bool(told.why))
    assert told.order[:1] == (["failed"] if tls else ["opened"])
    assert told.data == (b"" if tls else says)


@pytest.mark.parametrize("tls", [True, False])
@in_loop
async def test_an_addon_that_spoils_it_is_not_waited_for(tls: bool, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.hooks.breaks = True
    told = Told()
    house.dialer(Target("127.0.0.1", 1, tls), CLIENT, told)
    await told.until(lambda: bool(told.why))
    assert told.why == "the gateway failed; its log says why"


@in_loop
async def test_what_has_come_and_was_not_told_is_seen(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        told, link = await house.opened(Target("127.0.0.1", port, tls=False))
        assert not link.has_unread()
        link.pause()
        link.write(b"hello")
        other, second = await house.opened(Target("127.0.0.1", port, tls=False))
        second.write(b"hello")
        await other.until(lambda: other.data == b"hello")
        assert link.has_unread()
        link.resume()
        await told.until(lambda: told.data == b"hello")
        assert not link.has_unread()
        link.pause()
        link.write(b"bye")
        second.write(b"bye")
        await other.until(lambda: other.is_closed)
        assert link.has_unread(), "the data, and the end"
        link.close()
        assert link.has_unread(), "what is closed cannot be used"


# -- TLS --------------------------------------------------------------------------------------------------------------
@in_loop
async def test_tls_is_told_on_the_server_connection(tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]) -> None:
    context, certificate = server_side
    house = House(tmp_path)
    house.master.options.update(ssl_verify_upstream_trusted_ca=str(certificate))
    async with house.server(context) as port:
        told, link = await house.opened(Target("127.0.0.1", port, tls=True))
        link.write(b"x" * 100_000)
        await told.until(lambda: len(told.data) == 100_000)
        server = link.server
        assert server.tls_established
        assert server.tls_version in ("TLSv1.2", "TLSv1.3")
        assert server.certificate_list[0].cn == "nobody"
        assert server.alpn_offers == [b"http/1.1"]
        link.write(b"bye")
        await told.until(lambda: told.is_closed)


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@in_loop
async def test_tls_sessions_are_resumed(
    most: ssl.TLSVersion, tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]
) -> None:
    context, certificate = server_side
    context.maximum_version = most
    house = House(tmp_path)
    house.master.options.update(ssl_verify_upstream_trusted_ca=str(certificate))
    async with house.server(context) as port:
        for number in range(3):
            if number == 2:
                house.dialer.sessions.clear()
            told, link = await house.opened(Target("127.0.0.1", port, tls=True))
            link.write(b"bye")
            await told.until(lambda told=told: told.is_closed)  # type: ignore[misc]
            assert link.server.certificate_list
    assert house.resumed == [False, True, False]


@in_loop
async def test_a_certificate_of_nobody_is_refused(tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]) -> None:
    house = House(tmp_path)
    async with house.server(server_side[0]) as port:
        told = Told()
        house.dialer(Target("127.0.0.1", port, tls=True), CLIENT, told)
        await told.until(lambda: bool(told.why))
        assert "certificate verify failed" in told.why.lower()


@in_loop
async def test_who_speaks_no_tls_is_said(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        told = Told()
        house.dialer(Target("127.0.0.1", server.sockets[0].getsockname()[1], tls=True), CLIENT, told)
        await told.until(lambda: bool(told.why))
    assert "does not speak TLS" in told.why


# -- through a proxy --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tls", [True, False])
@in_loop
async def test_a_proxy_leads_there(tls: bool, tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]) -> None:
    context, certificate = server_side
    house = House(tmp_path)
    house.master.options.update(ssl_verify_upstream_trusted_ca=str(certificate))
    with ForwardProxy() as proxy:
        via = ("http", ("127.0.0.1", int(proxy.url.rpartition(":")[2])))
        async with house.server(context if tls else None) as port:
            told, link = await house.opened(Target("127.0.0.1", port, tls, via))  # type: ignore[arg-type]
            link.write(b"hello")
            await told.until(lambda: told.data == b"hello")
            assert proxy.asked == [f"CONNECT 127.0.0.1:{port}"]
            assert link.server.via == via
            assert link.server.connected
            link.write(b"bye")
            await told.until(lambda: told.is_closed)
        assert house.hooks.seen[:2] == ["connect", "connected"]


@pytest.mark.parametrize("scheme", ["http", "tls"])
@in_loop
async def test_what_a_proxy_or_a_handshake_says_is_bounded(scheme: str, tmp_path: Path) -> None:
    house = House(tmp_path)
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        begin = b"HTTP/1.1 200 OK\r\nx: " if scheme == "http" else b""
        with contextlib.suppress(OSError):
            writer.write(begin)
            while sent < 50_000_000:
                record = b"x" * 16_384 if scheme == "http" else b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" * 4096
                writer.write(record)
                sent += len(record)
                await writer.drain()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server:
        at = ("127.0.0.1", server.sockets[0].getsockname()[1])
        told = Told()
        target = Target("provider.invalid", 1, False, ("http", at)) if scheme == "http" else Target(*at, tls=True)
        house.dialer(target, CLIENT, told)
        await told.until(lambda: bool(told.why))
    assert sent < 20_000_000, "what the kernel's buffers take, and little more"
