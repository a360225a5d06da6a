"""The client connections that mitmproxy holds: ticks in, what waits to be sent, and their end."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.server import ConnectionHandler, ConnectionIO

from addons.dialects.registry import refusal
from addons.stream.connections import ClientConnections
from addons.stream.deps import Tick
from tests.stream.handlers import handler


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
    held, tick = Held(), Tick(cast(Any, None))
    assert asyncio.run(house(held).deliver("c1", tick))
    assert held.told == [tick]
    assert not asyncio.run(house(held).deliver("c2", tick))
    assert not asyncio.run(house(None).deliver("c1", tick))


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
