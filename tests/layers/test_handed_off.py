"""What begins with TLS goes on at mitmproxy's own handler: the same client, each hook and line once, no byte lost."""

import asyncio
import ssl
from contextlib import suppress
from typing import cast

import pytest

from addons.layers.fair_reading import FairReader
from addons.layers.gathering import GatheringWriter
from addons.layers.handed_off import HandedOff, begins_with_tls
from tests.driver.own_clients import House, Lines, eagerly

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "tls"),
    [
        (b"", None),
        (b"\x16", None),
        (b"\x16\x03", None),
        (b"\x16\x03\x01", True),
        (b"\x16\x03\x03\x00\x05hello", True),
        (b"\x16\x03\x04", False),
        (b"\x16\x02", False),
        (b"\x15", False),
        (b"G", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"\r\n", False),
    ],
)
def test_the_first_bytes_tell(first: bytes, tls: bool | None) -> None:
    assert begins_with_tls(first) is tls


def test_a_client_with_tls_is_served_by_mitmproxys_layers() -> None:
    async def work() -> None:
        with Lines() as lines:
            async with House() as house:
                reader, writer = await house.dial(tls=True)
                (own,), (client,) = house.made, house.watching.clients
                handler = house.proxyserver.connections[client.id]
                assert isinstance(handler, HandedOff)
                assert handler.client is client is own.client
                found = handler.transports[client]
                assert isinstance(found.writer, GatheringWriter)
                for _ in range(2):
                    writer.write(REQUEST)
                    head = await reader.readuntil(b"\r\n\r\n")
                    assert head.startswith(b"HTTP/1.1 200 ")
                    assert await reader.readexactly(len(b"by mitmproxy")) == b"by mitmproxy"
                assert isinstance(cast(object, found.reader), FairReader), "the handler was adapted"
                assert client.tls_version is not None
                assert len(house.limiter) == 1
                writer.close()
                await house.until(lambda: not house.proxyserver.connections)
                assert house.watching.told == [("connected", client.id), ("disconnected", client.id)]
                assert client.timestamp_start == 1234.5
                await house.until(lambda: not len(house.limiter))
        about = [words for words, who in lines.said if who == client.peername]
        assert [words for words in about if words.startswith("client ")] == ["client connect", "client disconnect"]

    eagerly(work)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_hello_that_comes_in_pieces_is_handed_off_whole(size: int) -> None:
    """The pieces come before and after the hand-off."""

    async def work() -> None:
        async with House() as house:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(came, goes)
            reader, writer = await house.dial()
            await house.until(lambda: bool(house.made))
            writer.get_extra_info("socket").setsockopt(6, 1, 1)  # TCP_NODELAY: pieces are packets
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            hello = goes.read()
            for at in range(0, len(hello), size):
                heard = house.made[0].heard
                writer.write(hello[at : at + size])
                if len(heard) < 3:
                    await house.until(lambda heard=heard: house.made[0].heard != heard)  # type: ignore[misc]
            done = False
            while not done:
                came.write(await reader.read(65536))
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                    done = True
            tls.write(REQUEST)
            writer.write(goes.read())
            answer = b""
            while b"by mitmproxy" not in answer:
                came.write(more := await reader.read(65536))
                assert more
                with suppress(ssl.SSLWantReadError):
                    while True:
                        answer += tls.read(65536)

    eagerly(work)


def test_a_client_that_has_ended_its_side_is_still_answered_by_the_handler() -> None:
    """A hello that cannot be read, and nothing behind it: mitmproxy hears both."""

    async def work() -> None:
        async with House() as house:
            reader, writer = await house.dial()
            writer.write(b"\x16\x03\x01\x00\x05")
            writer.write_eof()
            assert await reader.read() == b""
            (client,) = house.watching.clients
            await house.until(lambda: len(house.watching.told) == 2)
            assert house.watching.told == [("connected", client.id), ("disconnected", client.id)]
            writer.close()

    eagerly(work)


def test_an_end_that_came_before_the_hand_off_is_told_too() -> None:
    async def work() -> None:
        async with House() as house:
            reader, writer = await house.dial()
            await house.until(lambda: bool(house.made) and house.made[0].opened)
            house.made[0].life.hand_off(b"\x16\x03\x01", ended=True)
            assert await reader.read() == b""
            await house.until(lambda: not house.proxyserver.connections)
            writer.close()

    eagerly(work)


def test_what_is_gone_is_not_handed_off() -> None:
    async def work() -> None:
        async with House() as house:
            _, writer = await house.dial()
            await house.until(lambda: bool(house.made) and house.made[0].opened)
            house.made[0].abort()
            await house.until(lambda: len(house.watching.told) == 2)
            house.made[0].life.hand_off(b"\x16\x03\x01")
            await asyncio.sleep(0)
            assert house.proxyserver.connections == {}
            writer.close()

    eagerly(work)


def test_a_tick_reaches_the_layers_of_what_was_handed_off() -> None:
    """The list of connections has mitmproxy's handler then: its streams' deadlines are those of any TLS client."""

    async def work() -> None:
        async with House() as house:
            reader, writer = await house.dial(tls=True)
            writer.write(b"GET / HT")  # the deadline of a head
            await house.until(lambda: len(house.sweeper) == 1)
            house.ahead_s = 31.0
            await house.sweeper.sweep()
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 408 ")

    eagerly(work)
