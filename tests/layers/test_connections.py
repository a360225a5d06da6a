"""The client connections that mitmproxy holds: ticks and providers' words in, what waits to be sent, and their end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.server import ConnectionHandler, ConnectionIO

from addons.dialects.registry import refusal
from addons.layers.connections import WAITING_BYTES, ClientConnections
from addons.layers.events import Tick, ToStream
from addons.layers.fair_reading import FairReader
from addons.stream.machine_events import FromProvider
from tests.layers.handlers import handler
from tests.support.upstream import Asked, Wires


class Transport:
    """What an asyncio transport is asked for."""

    def __init__(self) -> None:
        self.aborted = 0

    def is_closing(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return 7

    def abort(self) -> None:
        self.aborted += 1


def writer(transport: Transport) -> asyncio.StreamWriter:
    made = object.__new__(asyncio.StreamWriter)
    made._transport = transport  # type: ignore[attr-defined]
    return made


class Held(ConnectionHandler):
    """A handler of one client as mitmproxy has it; keeps the events it is given."""

    def __init__(self, mode: str = "reverse:http://127.0.0.1:1") -> None:
        plain = handler(mode)
        super().__init__(plain.layer.context)
        self.client = plain.client
        self.layer = plain.layer
        self.told: list[events.Event] = []

    async def server_event(self, event: events.Event) -> None:
        self.told.append(event)

    async def handle_hook(self, hook: commands.StartHook) -> None: ...


def house(held: Held | None) -> ClientConnections:
    server = SimpleNamespace(connections={} if held is None else {"c1": held})
    master = SimpleNamespace(addons={"proxyserver": server})
    return ClientConnections(cast(Any, master), refusal)


def test_a_tick_goes_to_the_connections_layers() -> None:
    held, watched = Held(), cast(Any, object())
    assert asyncio.run(house(held).deliver("c1", watched))
    assert held.told == [Tick(watched)]
    assert not asyncio.run(house(held).deliver("c2", watched))
    assert not asyncio.run(house(None).deliver("c1", watched))


def test_before_mitmproxy_has_a_server_there_is_nobody() -> None:
    none = ClientConnections(cast(Any, SimpleNamespace(addons={})), refusal)
    assert none.unsent("c1") == 0
    none.abort("c1")
    none.adapt_handler(Held().client)


@pytest.mark.parametrize(("end", "lines"), [("abort", 1), ("drop", 0)])
def test_what_waits_for_a_client_and_its_end(end: str, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    held, transport = Held(), Transport()
    made = house(held)
    with caplog.at_level("INFO", "glassgate"):
        assert made.unsent("c1") == 0
        getattr(made, end)("c1")
        assert caplog.records == [], "without a socket there is nothing to end"
        held.transports[held.client] = ConnectionIO(writer=writer(transport))
        assert made.unsent("c1") == 7
        getattr(made, end)("c1")
    assert transport.aborted == 1
    assert len(caplog.records) == lines


@dataclass(frozen=True)
class Provider:
    """One that is held up by its call."""

    asked: Asked

    def hold(self) -> None:
        self.asked.call.pause()

    def go_on(self) -> None:
        self.asked.call.resume()


def said(size: int, asked: Asked) -> ToStream:
    return ToStream(cast(Any, None), FromProvider(size, ()), Provider(asked))


# -- a client that does not read --------------------------------------------------------------------------------------
class Sending(Held):
    """Sends the client what providers say, which are numbers of bytes here."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = asyncio.Lock()

    async def server_event(self, event: events.Event) -> None:
        async with self.lock:
            self.told.append(event)
            found = self.transports[self.client].writer
            assert isinstance(found, asyncio.StreamWriter)
            found.write(b"x" * cast(Any, event).event.number)


class Line:
    """A client's connection over a real socket, and what a provider says to it."""

    def __init__(self, held: Sending, client: socket.socket) -> None:
        self.held, self.client = held, client
        self.connections = house(held)
        self.wires = Wires()

    def asks(self) -> Asked:
        asked = self.wires.asks()
        self.wires.made[-1].opens()
        return asked

    def says(self, asked: Asked, size: int) -> bool:
        return self.connections.hand("c1", said(size, asked))

    def paused(self) -> list[bool]:
        return [wire.paused for wire in self.wires.made]

    async def reads_until(self, check: Callable[[], bool]) -> None:
        while not check():
            await asyncio.get_running_loop().sock_recv(self.client, 65536)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    ours, client = socket.socketpair()
    client.setblocking(False)
    held = Sending()
    _, made = await asyncio.open_connection(sock=ours)
    held.transports[held.client] = ConnectionIO(writer=made)
    yield Line(held, client)
    made.transport.abort()
    client.close()


def eagerly(work: Callable[[], Any]) -> None:
    with asyncio.Runner() as runner:
        runner.get_loop().set_task_factory(asyncio.eager_task_factory)  # as mitmproxy does
        runner.run(asyncio.wait_for(work(), 30))


async def turns() -> None:
    """What is ready to run, runs."""
    for _ in range(10):
        await asyncio.sleep(0)


MUCH = 4_000_000
"""More than the kernel takes for a socket, and some."""


def test_a_client_that_does_not_read_holds_its_providers_up() -> None:
    async def work() -> None:
        async with line() as one:
            both = [one.asks(), one.asks()]
            assert one.says(both[0], 10)
            assert one.paused() == [False, False]
            assert one.says(both[0], MUCH)
            assert one.paused() == [True, False], "the other has said nothing so far"
            assert one.says(both[1], 10)
            assert one.paused() == [True, True]
            assert one.connections.unsent("c1") > WAITING_BYTES
            await one.reads_until(lambda: one.paused() == [False, False])
            assert one.connections.unsent("c1") <= WAITING_BYTES
            one.says(both[1], MUCH)
            assert one.paused() == [False, True], "each time anew"

    eagerly(work)


def test_a_client_that_leaves_lets_go_of_its_providers() -> None:
    async def work() -> None:
        async with line() as one:
            asked = one.asks()
            one.says(asked, MUCH)
            one.connections.drop("c1")
            await turns()
            assert one.paused() == [False]
            one.says(asked, 10)

    eagerly(work)


def test_what_was_held_up_for_one_is_not_let_go_for_the_next() -> None:
    """The connection serves another client by the time the first has read."""

    async def work() -> None:
        async with line() as one:
            asked = one.asks()
            one.says(asked, MUCH)
            one.wires.made[0].says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            other = one.wires.asks()
            assert other.call.connection is asked.call.connection
            other.call.pause()
            await one.reads_until(lambda: one.connections.unsent("c1") == 0)
            await turns()
            assert one.paused() == [True]

    eagerly(work)


def test_what_is_said_keeps_its_order_while_another_event_is_handled() -> None:
    async def work() -> None:
        async with line() as one:
            asked = one.asks()
            async with one.held.lock:
                for size in (1, 2, 3):
                    assert one.says(asked, size)
                assert one.held.told == []
            one.says(asked, 4)
            await turns()
            assert [cast(Any, event).event.number for event in one.held.told] == [1, 2, 3, 4]

    eagerly(work)


def test_nobody_is_told_when_the_connection_is_gone() -> None:
    wires = Wires()
    assert not house(None).hand("c1", said(1, wires.asks()))


def test_a_client_is_held_until_it_may_go_on() -> None:
    async def work() -> None:
        async with line() as found:
            source = asyncio.StreamReader()
            source.feed_data(b"one")
            reader = FairReader(source)
            found.held.transports[found.held.client].reader = cast(Any, reader)
            found.connections.hold("c1")
            reading = asyncio.ensure_future(reader.read(10))
            await turns()
            assert not reading.done()
            found.connections.go_on("c1")
            assert await reading == b"one"
            found.connections.hold("gone")
            found.connections.go_on("gone")

    eagerly(work)


async def left_while_held(*, leaves: bool, held: bool) -> int:
    """How often a connection was ended whose client left, or did not, while it was held, or not."""
    ours, theirs = socket.socketpair()
    transport = Transport()
    cast(Any, transport).get_extra_info = lambda name, default=None: ours
    reader = FairReader(asyncio.StreamReader())
    one = Held()
    one.transports[one.client] = ConnectionIO(reader=cast(Any, reader), writer=writer(transport))
    clients = house(one)
    if held:
        clients.hold("c1")
    if leaves:
        theirs.close()
    clients.end_if_left("c1")
    assert reader.is_held == (held and not leaves), "what is left is read to its end"
    for each in (ours, theirs):
        each.close()
    return transport.aborted


@pytest.mark.parametrize(("leaves", "held", "ended"), [(True, True, 1), (False, True, 0), (True, False, 0)])
def test_a_held_client_that_has_left_is_noticed(leaves: bool, held: bool, ended: int) -> None:
    assert asyncio.run(left_while_held(leaves=leaves, held=held)) == ended
