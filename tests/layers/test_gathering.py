"""Writing to a client: what one turn writes is one piece, and nothing waits for longer than it must."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

from mitmproxy.connection import Client
from mitmproxy.proxy import events
from mitmproxy.proxy.server import ConnectionIO

from addons.layers.gathering import TURNS, GatheringWriter, gather_writes


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.log: list[object] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.log.append(bytes(data))

    def write_eof(self) -> None:
        self.log.append("eof")

    def close(self) -> None:
        self.log.append("closed")

    def is_closing(self) -> bool:
        return True


def written() -> tuple[GatheringWriter, list[object]]:
    transport, loop = Transport(), cast(Any, Mock())  # (a StreamWriter makes itself a future)
    writer = GatheringWriter(transport, Mock(), cast(Any, None), loop)
    return writer, transport.log


def test_outside_of_turns_all_goes_out_as_it_comes() -> None:
    writer, log = written()
    writer.write(b"a")
    writer.write(b"b")
    assert log == [b"a", b"b"]


def test_a_turn_is_one_piece() -> None:
    writer, log = written()
    writer.begin()
    writer.write(b"head ")
    writer.write(b"body")
    assert log == []
    writer.end()
    assert log == [b"head body"]


def test_a_turn_that_waits_for_another_is_of_the_same_piece() -> None:
    writer, log = written()
    writer.begin()
    writer.write(b"last words ")
    writer.begin()
    writer.end()
    assert log == []
    writer.write(b"end")
    writer.end()
    assert log == [b"last words end"]


def test_turns_without_a_pause_keep_nothing_back_for_long() -> None:
    writer, log = written()
    writer.begin()
    for number in range(3 * TURNS):
        writer.begin()
        writer.write(b"%d " % number)
        writer.end()
    assert len(log) == 3
    writer.end()
    assert b"".join(cast(list[bytes], log)) == b"".join(b"%d " % number for number in range(3 * TURNS))


def test_a_turn_that_writes_nothing_sends_nothing() -> None:
    writer, log = written()
    for _ in range(2 * TURNS):
        writer.begin()
        writer.end()
    assert log == []


def test_what_is_held_goes_out_before_the_end() -> None:
    for end, says in (("write_eof", "eof"), ("close", "closed")):
        writer, log = written()
        writer.begin()
        writer.write(b"last")
        getattr(writer, end)()
        assert log == [b"last", says]


def handler(writer: object) -> Any:
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
    made = SimpleNamespace(transports={client: ConnectionIO(writer=cast(Any, writer))}, client=client)

    async def server_event(event: events.Event) -> None:
        for piece in (b"a", b"b"):
            cast(Any, writer).write(piece)
        if isinstance(event, events.Wakeup):
            raise RuntimeError("a layer fails")

    made.server_event = server_event
    return made


def test_the_events_of_a_connection_are_its_turns() -> None:
    writer, log = written()
    made = handler(writer)
    gather_writes(made, made.client)
    asyncio.run(made.server_event(events.Start()))
    assert log == [b"ab"]


def test_a_turn_that_fails_ends_too() -> None:
    writer, log = written()
    made = handler(writer)
    gather_writes(made, made.client)
    failed = events.Wakeup.__new__(events.Wakeup)
    results = asyncio.run(gathered(made, failed))
    assert isinstance(results[0], RuntimeError)
    assert log == [b"ab"]
    writer.write(b"c")
    assert log[-1] == b"c"


async def gathered(made: Any, event: events.Event) -> list[object]:
    return list(await asyncio.gather(made.server_event(event), return_exceptions=True))


def test_another_kind_of_writer_is_left_alone() -> None:
    made = handler(SimpleNamespace())
    before = made.server_event
    gather_writes(made, made.client)
    assert made.server_event is before
