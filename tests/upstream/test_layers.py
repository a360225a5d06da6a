"""Making connections over TLS and through proxies: over real sockets, with mitmproxy's options and hooks."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addons.upstream.port import Target
from tests.support.dialing import House, Told, in_loop
from tests.support.forward_proxy import ForwardProxy
from tests.support.upstream import CLIENT


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


@in_loop
async def test_the_certificate_must_be_the_hosts_whatever_the_address(
    tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]
) -> None:
    context, certificate = server_side
    house = House(tmp_path)
    house.master.options.update(ssl_verify_upstream_trusted_ca=str(certificate))
    async with house.server(context) as port:
        told = Told()
        house.dialer(Target("pictures.example", port, tls=True, address="127.0.0.1"), CLIENT, told)
        await told.until(lambda: bool(told.why))
        assert "mismatch" in told.why.lower()


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


# -- options and hooks of mitmproxy -----------------------------------------------------------------------------------
def _old(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("options", "server", "why"),
    [
        ({"ssl_insecure": True}, None, ""),
        ({"ssl_insecure": False}, None, "certificate verify failed"),
        ({"ssl_insecure": True, "tls_version_server_min": "TLS1_3"}, _old, "closed"),
        ({"ssl_insecure": True, "tls_version_server_min": "TLS1_2"}, _old, ""),
    ],
)
@in_loop
async def test_options_hold(
    options: dict[str, Any],
    server: Callable[[ssl.SSLContext], None] | None,
    why: str,
    tmp_path: Path,
    server_side: tuple[ssl.SSLContext, Path],
) -> None:
    if server:
        server(server_side[0])
    house = House(tmp_path)
    house.master.options.update(**options)
    async with house.server(server_side[0]) as port:
        told = Told()
        house.dialer(Target("127.0.0.1", port, tls=True), CLIENT, told)
        await told.until(lambda: told.link is not None or bool(told.why))
        assert (told.link is None) is bool(why)
        assert why in told.why.lower()
        if told.link is not None:
            told.link.close()
        await house.hooks.gone.wait()
    assert house.hooks.seen == ["connect", "connected", "tls start", "tls failed" if why else "tls", "disconnected"]


@pytest.mark.parametrize("shown", [True, False])
@in_loop
async def test_a_client_certificate_is_shown(
    shown: bool, tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]
) -> None:
    context, certificate = server_side
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    both = tmp_path / "client.pem"
    both.write_bytes(certificate.read_bytes() + certificate.with_suffix(".key").read_bytes())
    house = House(tmp_path)
    house.master.options.update(ssl_insecure=True, client_certs=str(both) if shown else None)
    async with house.server(context) as port:
        told, link = await house.opened(Target("127.0.0.1", port, tls=True))
        link.write(b"hello")
        await told.until(lambda: told.is_closed or told.data == b"hello")
        assert told.is_closed is not shown
        link.close()


@in_loop
async def test_hooks_of_a_tunnel(tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]) -> None:
    house = House(tmp_path)
    house.master.options.update(ssl_insecure=True)
    with ForwardProxy() as proxy:
        via = ("http", ("127.0.0.1", int(proxy.url.rpartition(":")[2])))
        async with house.server(server_side[0]) as port:
            _, link = await house.opened(Target("127.0.0.1", port, True, via))  # type: ignore[arg-type]
            link.close()
            await house.hooks.gone.wait()
    assert house.hooks.seen == ["connect", "connected", "tunnel", "tls start", "tls", "disconnected"]


class Cutting:
    """A server that answers over TLS and may hold back the end of what it sends."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_side=True)
        self.go_on = asyncio.Event()

    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(self.out.read())
                self.into.write(await reader.read(65536))
        self.tls.write(b"first")
        whole = self.out.read()
        self.tls.write(b"second")
        more = self.out.read()
        writer.write(whole + more[:9])
        await self.go_on.wait()
        writer.write(more[9:])
        await reader.read()
        writer.close()


@pytest.mark.parametrize("through", [True, False], ids=["proxy", "direct"])
@in_loop
async def test_half_a_record_is_something_unread(
    through: bool, tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]
) -> None:
    house, cutting = House(tmp_path), Cutting(server_side[0])
    house.master.options.update(ssl_insecure=True)
    server = await asyncio.start_server(cutting.attend, "127.0.0.1", 0)
    async with server:
        with ForwardProxy() as proxy:
            via = ("http", ("127.0.0.1", int(proxy.url.rpartition(":")[2]))) if through else None
            port = server.sockets[0].getsockname()[1]
            told, link = await house.opened(Target("127.0.0.1", port, True, via))  # type: ignore[arg-type]
            await told.until(lambda: told.data == b"first")
            unread = [link.has_unread()]
            cutting.go_on.set()
            await told.until(lambda: told.data == b"firstsecond")
            unread.append(link.has_unread())
            link.close()
    assert unread == [True, False]


# -- ends -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("properly", [True, False], ids=["close_notify", "truncated"])
@in_loop
async def test_the_end_is_told_after_all_that_came(
    properly: bool, tmp_path: Path, server_side: tuple[ssl.SSLContext, Path]
) -> None:
    house = House(tmp_path)
    house.master.options.update(ssl_insecure=True)

    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 100_000)
        await writer.drain()
        if properly:
            writer.close()
        else:
            await reader.read(1)
            writer.transport.abort()

    server = await asyncio.start_server(says, "127.0.0.1", 0, ssl=server_side[0])
    async with server:
        told, link = await house.opened(Target("127.0.0.1", server.sockets[0].getsockname()[1], tls=True))
        await told.until(lambda: len(told.data) == 100_000)
        link.write(b"!")
        await told.until(lambda: told.is_closed)
    assert told.order[-1] == "closed"
    assert told.order.count("closed") == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 407 No\r\n\r\n", b"garbage\r\n\r\n"])
@pytest.mark.parametrize("by_bytes", [True, False])
@in_loop
async def test_a_proxy_that_dies_is_said(answer: bytes, by_bytes: bool, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.master.options.update(upstream_auth="me:word")
    asked = b""

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with contextlib.suppress(OSError):
            asked = await reader.readuntil(b"\r\n\r\n")
            for byte in answer if by_bytes else b"":
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            writer.write(b"" if by_bytes else answer)
        writer.close()

    server = await asyncio.start_server(dies, "127.0.0.1", 0)
    async with server:
        told = Told()
        via = ("http", ("127.0.0.1", server.sockets[0].getsockname()[1]))
        house.dialer(Target("provider.invalid", 443, True, via), CLIENT, told)  # type: ignore[arg-type]
        await told.until(lambda: bool(told.why))
        await house.hooks.gone.wait()
    assert told.order == ["failed"]
    assert asked.startswith(b"CONNECT provider.invalid:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6d29yZA==\r\n" in asked
    assert "bWU6" not in told.why
