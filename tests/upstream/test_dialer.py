"""Making connections: over real sockets, with mitmproxy's options, hooks and TLS."""

import asyncio
import contextlib
import os
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.connection import ConnectionState

from addons.upstream.port import OUT_OF_FILES, Target
from addons.upstream.upload import FULL_BYTES
from tests.support.dialing import House, Told, in_loop
from tests.support.upstream import CLIENT


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
async def test_no_file_is_left(tmp_path: Path) -> None:
    """It lies at this process, and is no word of the provider's; also where a name was to be looked up."""
    house, told, named = House(tmp_path), Told(), Told()
    async with house.server() as port:
        with no_file_left():
            house.dialer(Target("127.0.0.1", port, tls=False), CLIENT, told)
            house.dialer(Target("nobody.invalid", port, tls=False), CLIENT, named)
            await told.until(lambda: bool(told.why))
            await named.until(lambda: bool(named.why))
    assert (told.why, named.why) == (OUT_OF_FILES, OUT_OF_FILES)


@contextlib.contextmanager
def no_file_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for file in taken:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


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


@in_loop
async def test_a_host_that_was_looked_up_is_not_looked_up_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        _, link = await house.opened(Target("no-such-host.invalid", port, tls=False, address="127.0.0.1"))
        assert link.server.peername == ("127.0.0.1", port)
        link.close()


# -- addresses --------------------------------------------------------------------------------------------------------
@in_loop
async def test_ipv6(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def six(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"six")
        writer.close()

    try:
        server = await asyncio.start_server(six, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with server:
        told, link = await house.opened(Target("::1", server.sockets[0].getsockname()[1], tls=False))
        await told.until(lambda: told.is_closed)
        assert told.data == b"six"
        assert link.server.peername
        assert link.server.peername[0] == "::1"
        link.close()


@in_loop
async def test_of_several_addresses_the_next_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    async with house.server() as dead:
        pass
    async with house.server() as port:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", one)) for one in (dead, port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: found)
        _, link = await house.opened(Target("several.example", 1, tls=False))
        assert link.server.peername == ("127.0.0.1", port)
        assert link.server.address == ("several.example", 1)
        link.close()
    await house.hooks.gone.wait()
    assert house.hooks.seen == ["connect", "connected", "disconnected"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere loopback is one address")
@in_loop
async def test_connections_go_out_by_the_address_that_was_set(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.master.options.update(connect_addr="127.0.0.2")
    async with house.server() as port:
        _, link = await house.opened(Target("127.0.0.1", port, tls=False))
        assert link.server.sockname
        assert link.server.sockname[0] == "127.0.0.2"
        link.close()


@pytest.mark.parametrize("most", range(1, 12))
@in_loop
async def test_hooks_come_in_pairs_whenever_it_is_given_up(most: int, tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.server() as port:
        cancel = house.dialer(Target("127.0.0.1", port, tls=False), CLIENT, Told())
        for _ in range(most):
            await asyncio.sleep(0)
        cancel()
        await house.dialer.tasks.settle(5)
        for _ in range(10):
            await asyncio.sleep(0)
        await house.dialer.tasks.settle(5)
    assert house.hooks.seen in (["connect", "error"], ["connect", "connected", "disconnected"])


@in_loop
async def test_who_writes_is_told_when_what_waited_was_taken(tmp_path: Path) -> None:
    house, may_read, size = House(tmp_path), asyncio.Event(), 16 * 1024 * 1024

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_read.wait()
        await reader.readexactly(size)
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    async with server:
        told, link = await house.opened(Target("127.0.0.1", server.sockets[0].getsockname()[1], tls=False))
        link.write(b"x" * size)
        assert link.unsent() > FULL_BYTES
        assert "taken" not in told.order
        may_read.set()
        await told.until(lambda: "taken" in told.order)
        assert link.unsent() <= FULL_BYTES
        link.close()


@in_loop
async def test_who_answers_and_goes_while_more_is_written_is_heard(tmp_path: Path) -> None:
    """What had come before the connection broke is read, though writing is what finds that out."""
    house, size = House(tmp_path), 8 * 1024 * 1024

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"no")
        await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(refuses, "127.0.0.1", 0)
    async with server:
        told, link = await house.opened(Target("127.0.0.1", server.sockets[0].getsockname()[1], tls=False))
        link.pause()
        for _ in range(8):
            link.write(b"x" * (size // 8))
            await asyncio.sleep(0)
        await told.until(lambda: told.is_closed)
        assert bytes(told.data) == b"no"
        link.close()
