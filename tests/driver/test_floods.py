"""Clients of the own driver that ask far more than they wait for: what they cost, and who else is served meanwhile."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest
from mitmproxy import http

from addons.driver.connection import READ_BYTES, OwnConnection, OwnHouse
from addons.driver.port import Accepted
from addons.stream.connection_end import LINGER_S
from addons.upstream.dialer import run_hook
from tests.driver.own_clients import House, eagerly

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
IN_ADVANCE = 1500


class Answering:
    """An addon that answers each request at once, and counts the requests of each turn of the event loop."""

    def __init__(self) -> None:
        self.turn = 0
        self.in_turn: Counter[int] = Counter()
        self.size = 10

    def count_turns(self) -> None:
        self.turn += 1
        asyncio.get_running_loop().call_soon(self.count_turns)

    @property
    def asked(self) -> int:
        return self.in_turn.total()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.in_turn[self.turn] += 1
        flow.response = http.Response.make(200, b"x" * self.size)


class OwnHouses(House):
    """A House whose connections are the own driver's."""

    def __init__(self) -> None:
        self.answering = Answering()
        super().__init__()

    async def __aenter__(self) -> "OwnHouses":
        await super().__aenter__()
        self.watching.requestheaders = self.answering.requestheaders  # type: ignore[method-assign]
        self.own = OwnHouse(
            lambda: self.deps, lambda hook: run_hook(self.master, hook), self.life_deps, self.master.options
        )
        self.connections_made: list[OwnConnection] = []
        self.answering.count_turns()
        return self

    def protocol(self, accepted: Accepted) -> Any:
        made = self.own(accepted)
        self.connections_made.append(made)
        return made


async def in_advance(house: OwnHouses, requests: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has sent so many requests before it reads its first answer."""
    reader, writer = await house.dial()
    cast(asyncio.Transport, writer.transport).pause_reading()
    writer.write(ASK * requests)
    return reader, writer


def test_of_many_requests_that_came_at_once_one_is_begun_a_turn() -> None:
    async def check() -> None:
        async with OwnHouses() as house:
            reader, writer = await house.dial()
            writer.write(ASK * IN_ADVANCE)
            for _ in range(IN_ADVANCE):
                await reader.readuntil(b"\r\n\r\n" + b"x" * 10)
            assert house.answering.asked == IN_ADVANCE
            assert max(house.answering.in_turn.values()) == 1

    eagerly(check)


def test_no_more_is_read_while_requests_wait() -> None:
    async def check() -> None:
        async with OwnHouses() as house:
            reader, writer = await house.dial()
            writer.write(ASK * IN_ADVANCE)
            most = 0
            while house.answering.asked < IN_ADVANCE:
                await reader.read(READ_BYTES)
                most = max(most, len(house.connections_made[0].http._buf))
            assert 0 < most <= READ_BYTES + len(ASK)

    eagerly(check)


def test_a_client_that_does_not_read_has_no_more_answered_than_waits_for_it() -> None:
    async def check() -> None:
        async with OwnHouses() as house:
            house.answering.size = 100_000
            reader, writer = await in_advance(house, 200)
            connection = await first_of(house)
            await house.until(lambda: connection.unsent() > 0)
            asked, turn = house.answering.asked, house.answering.turn
            await house.until(lambda: house.answering.turn > turn + 300)
            assert house.answering.asked == asked < 200
            assert connection.unsent() <= 2 * house.answering.size
            cast(asyncio.Transport, writer.transport).resume_reading()
            for _ in range(200):
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(house.answering.size)
            assert house.answering.asked == 200

    eagerly(check)


async def first_of(house: OwnHouses) -> OwnConnection:
    await house.until(lambda: bool(house.connections_made))
    return house.connections_made[0]


def reset(writer: asyncio.StreamWriter) -> None:
    found = cast(socket.socket, writer.get_extra_info("socket"))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def leave(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize("leaves", [reset, leave])
def test_what_a_client_asked_in_advance_is_not_begun_once_it_is_gone(
    leaves: Callable[[asyncio.StreamWriter], None],
) -> None:
    async def check() -> None:
        async with OwnHouses() as house:
            house.answering.size = 100_000
            _, writer = await in_advance(house, IN_ADVANCE)
            connection = await first_of(house)
            await house.until(lambda: connection.unsent() > 0)
            asked = house.answering.asked
            leaves(writer)
            await house.until(lambda: not house.proxyserver.connections)
            turn = house.answering.turn
            await house.until(lambda: house.answering.turn > turn + 50)
            assert house.answering.asked <= asked + 1
            assert len(house.sweeper) == 0

    eagerly(check)


@pytest.mark.parametrize("own", [True, False])
def test_who_reads_nothing_of_an_answer_to_half_a_request_is_given_up(own: bool) -> None:
    """The rest of its request is read past for a moment, then its connection is closed behind what waits for it."""

    async def check() -> None:
        async with OwnHouses() as house:
            house.driver.is_wanted = own
            house.acceptor._stall_s, house.acceptor._silence_s = (lambda: 0.0), (lambda: 3600.0)
            house.answering.size = 20_000_000
            reader, writer = await house.dial()
            cast(asyncio.Transport, writer.transport).pause_reading()
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
            await house.until(lambda: house.answering.asked == 1)
            house.ahead_s = LINGER_S  # (not more and more: what is idle for tcp_timeout ends in any case)
            while len(house.limiter) or house.proxyserver.connections:
                await house.sweeper.sweep()
                await asyncio.sleep(0)
            assert not reader.at_eof()

    eagerly(check)


def test_a_client_that_is_reset_before_it_is_accepted_is_nobody_to_the_layers() -> None:
    async def check() -> None:
        async with OwnHouses() as house:
            house.driver.is_wanted = False
            with socket.socket() as client:
                client.connect(("127.0.0.1", house.port))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await house.dial()
            await house.until(lambda: bool(house.watching.clients))
            assert [client.peername for client in house.watching.clients if client.peername is None] == []
            await house.until(lambda: len(house.limiter) == 1)

    eagerly(check)
