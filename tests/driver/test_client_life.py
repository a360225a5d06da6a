"""What mitmproxy's addons, log and lists know of a client of the own driver, from its beginning to its end."""

import asyncio
import logging
from contextlib import suppress

import pytest
from mitmproxy.addons.block import Block
from mitmproxy.connection import Client, ConnectionState

from addons.stream.connection_limits import Peer
from tests.driver.own_clients import MODE, House, Lines, eagerly


async def opened(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await house.dial()
    await house.until(lambda: bool(house.made) and house.made[-1].opened)
    return reader, writer


def test_from_the_beginning_to_the_end() -> None:
    async def work() -> None:
        with Lines() as lines:
            async with House() as house:
                reader, writer = await opened(house)
                (own,), (client,) = house.made, house.watching.clients
                assert own.client is client
                assert client.peername == writer.get_extra_info("sockname")
                assert client.sockname == ("127.0.0.1", house.port)
                assert (client.timestamp_start, client.state) == (1234.5, ConnectionState.OPEN)
                assert client.proxy_mode.full_spec.startswith(MODE)
                assert house.proxyserver.connections == {client.id: own}
                assert house.proxyserver.active_connections() == 1
                writer.write(b"Hi")
                assert await reader.read(100) == b"own:Hi"
                assert house.watching.told == [("connected", client.id)]
                assert len(house.limiter) == 1
                writer.close()
                await house.until(lambda: not house.proxyserver.connections)
                assert house.watching.told == [("connected", client.id), ("disconnected", client.id)]
                assert (client.timestamp_end, client.state) == (1234.5, ConnectionState.CLOSED)
                assert len(house.limiter) == 0
                own.life.lost()
                own.life.end()
                assert len(house.watching.told) == 2, "once"
        assert lines.said == [("client connect", client.peername), ("client disconnect", client.peername)]

    eagerly(work)


@pytest.mark.parametrize("later", [False, True], ids=["at once", "after a while"])
def test_who_is_refused_by_an_addon_is_closed_and_nothing_is_read(later: bool) -> None:
    async def work() -> None:
        with Lines() as lines:
            async with House() as house:
                begun, goes_on = asyncio.Event(), asyncio.Event()

                async def refuses(client: Client) -> None:
                    begun.set()
                    if later:
                        await goes_on.wait()
                    client.error = "not wanted"

                house.watching.at_connect = refuses
                reader, writer = await house.dial()
                writer.write(b"Hi")
                await begun.wait()
                await house.until(lambda: bool(house.made))
                goes_on.set()
                with suppress(ConnectionError):  # the kernel says so where there was something that nobody has read
                    assert await reader.read() == b""
                await house.until(lambda: len(house.watching.told) == 2)
                assert not house.made[0].opened
                assert house.made[0].heard == b""
                await house.until(lambda: not house.proxyserver.connections)
        assert [words for words, _ in lines.said] == ["client connect", "client kill connection", "client disconnect"]

    eagerly(work)


def test_mitmproxys_own_refusal_of_addresses() -> None:
    """Block with an address of the Internet, as the acceptor has it."""

    async def work() -> None:
        async with House(Block()) as house:
            plain = house.protocol

            def elsewhere(accepted: object) -> object:
                made = plain(accepted)  # type: ignore[arg-type]
                peer: Peer = ("8.8.8.8", 53)
                object.__setattr__(accepted, "peer", peer)
                return made

            house.driver._make = elsewhere  # type: ignore[assignment]
            reader, _ = await house.dial()
            assert await reader.read() == b""
            (client,) = house.watching.clients
            assert client.error == "Connection killed by block_global."
            assert not house.made[0].opened
            await house.until(lambda: not house.proxyserver.connections)

    eagerly(work)


def test_while_an_addon_takes_its_time_nothing_is_read_and_then_all() -> None:
    async def work() -> None:
        async with House() as house:
            goes_on = asyncio.Event()

            async def waits(client: Client) -> None:
                await goes_on.wait()

            house.watching.at_connect = waits
            reader, writer = await house.dial()
            writer.write(b"Hi")
            await writer.drain()
            await house.until(lambda: bool(house.made))
            for _ in range(20):
                await asyncio.sleep(0)
            assert (house.made[0].opened, house.made[0].heard) == (False, b"")
            goes_on.set()
            assert await reader.read(100) == b"own:Hi"

    eagerly(work)


def test_who_leaves_while_an_addon_takes_its_time_is_told_of_behind_that() -> None:
    async def work() -> None:
        async with House() as house:
            goes_on = asyncio.Event()

            async def waits(client: Client) -> None:
                await goes_on.wait()
                house.watching.told.append(("let in", client.id))

            house.watching.at_connect = waits
            await house.dial()
            await house.until(lambda: bool(house.made))
            house.made[0].abort()
            await house.until(lambda: not len(house.limiter))
            client = house.made[0].client
            assert house.watching.told == [("connected", client.id)]
            goes_on.set()
            await house.until(lambda: not house.proxyserver.connections)
            assert [what for what, _ in house.watching.told] == ["connected", "let in", "disconnected"]
            assert not house.made[0].opened

    eagerly(work)


def test_a_fault_beside_the_addons_costs_one_connection_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """As with mitmproxy's own handler: nothing is left of it."""

    async def work() -> None:
        async with House() as house:

            async def fails(hook: object) -> None:
                raise ZeroDivisionError

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(house.master.addons, "handle_lifecycle", fails)
                reader, _ = await house.dial()
                assert await reader.read() == b""
                await house.until(lambda: not len(house.limiter))
                assert house.proxyserver.connections == {}
            await opened(house)

    with caplog.at_level(logging.ERROR):
        eagerly(work)
    assert "telling of a client that has connected failed" in caplog.text


def test_ticks_and_ends_reach_the_own_connection() -> None:
    async def work() -> None:
        async with House() as house:
            reader, _ = await opened(house)
            (own,) = house.made

            class Deadline:
                deadline, ending, client_id = 0.0, False, own.client.id

            house.sweeper.add(Deadline())
            await house.sweeper.sweep()
            assert [type(watched) for watched in own.ticked] == [Deadline]
            house.connections.drop(own.client.id)
            assert await reader.read() == b""

    eagerly(work)
