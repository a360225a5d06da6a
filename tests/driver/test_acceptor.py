"""Accepting connections in asyncio's place: no spinning without files, room by age, silence has an end."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest
from mitmproxy import http

from addons.dialects.registry import refusal
from addons.driver.acceptor import AT_ONCE, PAUSE_S, QUIET_S, Acceptor
from addons.stream.connection_limits import ConnectionLimiter, ConnectionLimits
from addons.stream.deps import ClientLimits
from tests.driver import own_clients
from tests.driver.own_clients import eagerly
from tests.support.virtual_time import run_virtual

type Found = tuple[socket.socket, tuple[str, int]] | OSError


class Listener:
    """A listening socket that gives what a test has it give, and then nothing for now."""

    def __init__(self, *found: Found) -> None:
        self._found: Iterator[Found] = iter(found)
        self.accepted = 0

    def fileno(self) -> int:
        return 4242

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        found = next(self._found, BlockingIOError())
        if isinstance(found, OSError):
            raise found
        self.accepted += 1
        return found

    def rest(self) -> list[Found]:
        """Those that are still to come."""
        return list(self._found)


class House:
    """The listener of a gateway whose layers are a function of the test's."""

    def __init__(self, serve: Callable[[Any, Any], Any] | None = None, **rules: Any) -> None:
        self.limiter = ConnectionLimiter(ConnectionLimits(**rules))
        self.served: list[object] = []
        self.acceptor = Acceptor(cast(Any, SimpleNamespace(addons={})), self.limiter, lambda: 30.0, refusal)
        self.instance: Any = SimpleNamespace(handle_stream=serve or self._serve)
        self.ends: list[socket.socket] = []
        self.readers: list[str] = []

    async def _serve(self, reader: Any, writer: Any) -> None:
        self.served.append(writer.get_extra_info("peername"))
        await reader.read()
        writer.close()

    def pair(self, port: int, host: str = "192.0.2.1") -> Found:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.ends.append(theirs)
        return ours, (host, port)

    def accept(self, *found: Found) -> Listener:
        listener = Listener(*found)
        loop = asyncio.get_running_loop()
        with (
            patch.object(loop, "add_reader", lambda *a: self.readers.append("add")),
            patch.object(loop, "remove_reader", lambda fd: self.readers.append("remove")),
        ):
            self.acceptor._accept(cast(Any, listener), self.instance)
        self.ends += [one[0] for one in listener.rest() if not isinstance(one, OSError)]
        return listener

    async def over(self) -> None:
        for end in self.ends:
            end.close()
        await asyncio.gather(*self.acceptor._tasks, return_exceptions=True)


def told(end: socket.socket) -> bytes:
    return end.recv(65536)


def test_who_comes_is_served_and_forgotten_when_he_leaves() -> None:
    async def work() -> None:
        house = House()
        house.accept(house.pair(1), house.pair(2))
        assert len(house.limiter) == 2
        await asyncio.sleep(0.01)
        assert len(house.served) == 2
        await house.over()
        await asyncio.sleep(0)
        assert (len(house.limiter), house.acceptor._tasks, house.acceptor._silence_timers) == (0, set(), {})

    asyncio.run(work())


def test_others_have_their_turn_after_so_many() -> None:
    async def work() -> int:
        house = House()
        accepted = house.accept(*(house.pair(port) for port in range(AT_ONCE + 3))).accepted
        await house.over()
        return accepted

    assert asyncio.run(work()) == AT_ONCE


@pytest.mark.parametrize(
    "fault", [BlockingIOError(), InterruptedError(), ConnectionAbortedError(), OSError(errno.EINVAL)]
)
def test_a_connection_that_is_gone_already_is_no_matter(fault: OSError) -> None:
    async def work() -> tuple[int, list[str]]:
        house = House()
        accepted = house.accept(fault, house.pair(1)).accepted
        await house.over()
        return accepted, house.readers

    assert asyncio.run(work()) == (0, [])


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_files_nobody_is_accepted_for_a_moment(number: int, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        house = House()
        house.accept(OSError(number, "no files"))
        assert house.readers == ["remove"]
        with patch.object(asyncio.get_running_loop(), "add_reader", lambda *a: house.readers.append("add")):
            await asyncio.sleep(PAUSE_S / 2)
            assert house.readers == ["remove"]
            await asyncio.sleep(PAUSE_S)
            assert house.readers == ["remove", "add"]

    run_virtual(work())
    assert "new connections are turned away" in caplog.text


def test_a_full_house_turns_away_in_words_and_says_so_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        house = House(per_address=1)
        house.accept(house.pair(1))
        house.limiter.busy(("192.0.2.1", 1))  # who has a request under way stays
        for port in (2, 3):
            house.accept(house.pair(port))
            assert told(house.ends[-1]).startswith(b"HTTP/1.1 503 ")
        assert len(caplog.records) == 1
        await asyncio.sleep(QUIET_S)
        house.accept(house.pair(4))
        assert len(caplog.records) == 2
        await house.over()

    run_virtual(work())


def test_nobody_more_is_taken_in_before_who_was_sent_away_is_gone() -> None:
    async def work() -> int:
        house = House(most=1)
        accepted = house.accept(house.pair(1), house.pair(2)).accepted
        await house.over()
        return accepted

    assert asyncio.run(work()) == 1


@pytest.mark.parametrize("greeted", [True, False])
def test_who_says_nothing_in_time_is_ended_and_who_has_is_not(greeted: bool) -> None:
    async def work() -> None:
        house = House()
        house.accept(house.pair(1))
        await asyncio.sleep(0.01)
        if greeted:
            house.acceptor.spoke(("192.0.2.1", 1))
            house.acceptor.spoke(("192.0.2.1", 1))
        await asyncio.sleep(31)
        assert len(house.limiter) == int(greeted)
        await house.over()

    run_virtual(work())


def test_one_that_made_room_before_it_was_served_is_served_no_more() -> None:
    async def work() -> list[object]:
        house = House()
        house.accept(house.pair(1))
        house.limiter._close[("192.0.2.1", 1)]()
        await house.over()
        assert len(house.limiter) == 0
        return house.served

    assert asyncio.run(work()) == []


def test_a_fault_of_the_layers_costs_one_connection_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(reader: Any, writer: Any) -> None:
        raise ZeroDivisionError

    async def work() -> None:
        house = House(broken)
        house.accept(house.pair(1))
        await house.over()
        await asyncio.sleep(0)
        assert len(house.limiter) == 0
        assert told(house.ends[0]) == b"" if house.ends[0].fileno() >= 0 else True

    asyncio.run(work())
    assert "a client's connection failed" in caplog.text


def test_what_the_stream_layer_tells_goes_to_the_guests() -> None:
    async def work() -> None:
        house = House()
        peer = ("192.0.2.1", 1)
        house.accept(house.pair(1))
        house.acceptor.busy(peer)
        assert peer not in house.limiter._idle
        house.acceptor.idle(peer)
        assert peer in house.limiter._idle
        assert house.acceptor.client_address(peer, []) == "192.0.2.1"
        assert house.acceptor.is_one_client("192.0.2.1")
        assert not house.acceptor.is_one_client("127.0.0.1")
        await house.over()

    asyncio.run(work())


def test_without_a_proxyserver_there_is_nothing_to_take_over() -> None:
    Acceptor(cast(Any, SimpleNamespace(addons={})), ConnectionLimiter(), lambda: 1.0, refusal).start()


def most_waiting() -> int:
    """What the kernel allows any listener."""
    try:
        return int(Path("/proc/sys/net/core/somaxconn").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return socket.SOMAXCONN


@pytest.mark.skipif(most_waiting() < 300, reason="the kernel lets fewer wait")
def test_many_may_wait_to_be_accepted() -> None:
    """While a turn of the loop takes long nobody accepts; then the kernel takes no more than may wait."""

    async def work() -> None:
        async with own_clients.House() as house:
            with ExitStack() as held:
                waiting = [held.enter_context(socket.socket()) for _ in range(300)]
                for one in waiting:
                    one.setblocking(False)
                    one.connect_ex(("127.0.0.1", house.port))  # (no turn of the loop between: none is accepted)
                assert [one.getpeername()[1] for one in waiting] == [house.port] * 300
            await house.until(lambda: not len(house.limiter))

    eagerly(work)


# -- what waits for a client when mitmproxy is done with its connection -----------------------------------------------
@pytest.mark.parametrize("tls", [False, True], ids=["by its layers", "handed off"])
def test_who_reads_slowly_has_all_of_the_last_answer(tls: bool) -> None:
    size = 20_000_000

    def answers(flow: http.HTTPFlow) -> None:
        flow.response = http.Response.make(200, b"x" * size)

    async def work() -> None:
        async with own_clients.House() as house:
            house.watching.requestheaders = answers  # type: ignore[method-assign]
            house.driver.is_wanted = tls
            reader, writer = await house.dial(tls=tls)
            cast(asyncio.Transport, writer.transport).pause_reading()
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            await house.until(lambda: bool(house.watching.clients))
            await house.until(lambda: not house.proxyserver.connections)
            assert len(house.limiter) == 1, "its place is its own until it has all"
            assert house.acceptor.unsent() > 0
            cast(asyncio.Transport, writer.transport).resume_reading()
            found = await reader.read(-1)
            assert found.partition(b"\r\n\r\n")[2] == b"x" * size
            await house.until(lambda: not len(house.limiter))
            assert not house.acceptor.unsent()

    eagerly(work)


async def writes_a_lot(reader: Any, writer: Any) -> None:
    writer.write(b"x" * 10_000_000)
    writer.close()


def test_who_reads_nothing_more_of_it_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "glassgate")

    async def work() -> None:
        house = House(writes_a_lot)
        stall_s = ClientLimits().stall_s
        house.accept(house.pair(1))
        await asyncio.sleep(0.1)
        house.acceptor.spoke(("192.0.2.1", 1))
        for _ in range(4):
            await asyncio.sleep(stall_s - 1)
            assert len(house.limiter) == 1
            assert house.ends[0].recv(1_000_000)
        await asyncio.sleep(stall_s - 1)
        assert len(house.limiter) == 1
        assert not caplog.text
        await asyncio.sleep(2)
        assert len(house.limiter) == 0
        assert "a client stopped reading its answer" in caplog.text
        await house.over()

    run_virtual(work())


@pytest.mark.parametrize("leaves", [True, False])
def test_who_has_read_all_of_it_or_left_is_forgotten_soon(leaves: bool) -> None:
    async def work() -> None:
        house = House(writes_a_lot)
        house.accept(house.pair(1))
        await asyncio.sleep(1)
        assert len(house.limiter) == 1
        if leaves:
            house.ends[0].close()
        else:
            found = 0
            while found < 10_000_000:
                found += len(await asyncio.get_running_loop().sock_recv(house.ends[0], 1_000_000))
        await asyncio.sleep(1)
        assert len(house.limiter) == 0
        await house.over()

    run_virtual(work())
