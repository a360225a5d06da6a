"""Calls of steps over the pool of connections: which they share, how long they wait, and what is left of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from mitmproxy.connection import Server

from addons.transport.carrier import (
    BODY_LIMIT_BYTES,
    CONNECT_S,
    SILENCES,
    STEP_S,
    BrokenAnswer,
    NotConnected,
    NotInTime,
)
from addons.transport.pool_carrier import SENT_S, PoolCarrier
from addons.upstream.http1 import ONE_WRITE_BYTES
from providers.contract.call import Call
from providers.contract.steps import Answer
from tests.support.upstream import CLIENT, TARGET, Asked, Wires
from tests.support.virtual_time import in_virtual_time, settle

CALL = Call("POST", "http://127.0.0.1:1/chats/new", (("Accept", "*/*"),), b"{}")
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


class House:
    """A carrier whose pool's connections are the test's."""

    def __init__(self) -> None:
        self.wires = Wires()
        self.carrier = PoolCarrier(self.wires.pool)
        self.met: list[Server] = []
        self.now = asyncio.get_running_loop().time

    async def begins(self, call: Call = CALL, target: str = "zai/a") -> asyncio.Task[Answer]:
        task = asyncio.ensure_future(self.carrier.carry(call, replace(TARGET, account=target), met=self.met.append))
        await settle()
        return task

    async def carried(self, *said: bytes) -> Answer:
        """The answer to a call over a new connection."""
        task = await self.begins()
        wire = self.wires.made[-1]
        wire.opens()
        for one in said:
            wire.says(one)
        return await task


@in_virtual_time
async def test_the_chat_and_its_answer_go_over_one_connection_and_over_no_other_account() -> None:
    house = House()
    await house.carried(WHOLE)
    chat = Asked(house.wires.pool, replace(TARGET, account="zai/a"), b"{}", {})
    assert chat.call.is_connected
    house.wires.made[0].says(WHOLE)
    again = await house.begins()
    other = await house.begins(target="zai/b")
    house.wires.made[0].says(WHOLE)
    assert (await again).body == b"hi"
    assert len(house.wires.made) == 2
    assert house.wires.made[0].sent.count(b"POST /chats/new HTTP/1.1\r\n") == 2
    assert house.met == [house.wires.made[0].server] * 2, "flows show which connection it was"
    other.cancel()


@in_virtual_time
async def test_as_many_as_there_are_go_out_at_once() -> None:
    house = House()
    tasks = [await house.begins() for _ in range(256)]
    assert len(house.wires.made) == 256
    for wire in house.wires.made:
        wire.opens()
    await asyncio.sleep(STEP_S - 1)
    for wire in house.wires.made:
        wire.says(WHOLE)
    assert {answer.status for answer in await asyncio.gather(*tasks)} == {200}


@in_virtual_time
async def test_a_call_whose_idle_connection_was_dead_goes_out_again() -> None:
    house = House()
    await house.carried(WHOLE)
    task = await house.begins()
    house.wires.made[0].ends()
    house.wires.made[1].opens()
    assert house.wires.made[1].sent == house.wires.made[0].sent[len(house.wires.made[1].sent) :]
    house.wires.made[1].says(WHOLE)
    assert (await task).status == 200


@in_virtual_time
async def test_headers_are_known_by_name_and_of_any_bytes() -> None:
    fields = b"X-A: \xc3\xa4\r\nx-a: \xe4\r\nSet-Cookie: a=1, b\r\nset-cookie: c=2\r\ncontent-length: 0\r\n\r\n"
    answer = await House().carried(b"HTTP/1.1 201 X\r\n" + fields)
    assert (answer.headers["x-a"], answer.set_cookies, answer.at_ms) == ("ä, ä", ("a=1, b", "c=2"), 0)


@in_virtual_time
async def test_the_gateway_is_the_client_of_its_own_calls() -> None:
    house = House()
    tasks = [await house.begins() for _ in range(2)]
    first, second = [wire.receiver.call.client for wire in house.wires.made]  # type: ignore[attr-defined]
    assert first is second
    assert first.peername == ("127.0.0.1", 0)
    assert first.id != CLIENT.id
    for task in tasks:
        task.cancel()


@in_virtual_time
async def test_a_call_whose_answer_takes_its_time_is_waited_for() -> None:
    house = House()
    task = await house.begins(replace(CALL, silent_s=3 * STEP_S))
    house.wires.made[0].opens()
    await asyncio.sleep(3 * STEP_S - 1)
    house.wires.made[0].says(WHOLE)
    assert (await task).status == 200


# -- what does not come about -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("opens", "said", "body", "waits_s", "fault"),
    [
        (False, (), b"", CONNECT_S, NotConnected),
        (True, (), b"", STEP_S, NotInTime),
        (True, (), b"x" * (ONE_WRITE_BYTES + 1), 2 * STEP_S, NotInTime),
        (True, (WHOLE[:-1],), b"", STEP_S, NotInTime),
        (True, (WHOLE[:-1],), b"x" * (ONE_WRITE_BYTES + 1), STEP_S, NotInTime),
        (True, (WHOLE[:-2], b"h"), b"", 10 + STEP_S, NotInTime),
    ],
)
@in_virtual_time
async def test_nothing_is_waited_for_for_ever(
    opens: bool, said: Sequence[bytes], body: bytes, waits_s: float, fault: type[Exception]
) -> None:
    house = House()
    began = house.now()
    task = await house.begins(replace(CALL, body=body))
    wire = house.wires.made[0]
    if opens:
        wire.opens()
    for number, one in enumerate(said):
        await asyncio.sleep(10 * number)
        wire.says(one)
    with pytest.raises(fault) as caught:
        await task
    assert house.now() - began == pytest.approx(waits_s, abs=0.01)
    assert wire.closed
    assert getattr(caught.value, "in_time", False) is False
    assert len(house.wires.pool) == 0


@pytest.mark.parametrize(("piece", "whole"), [(b"x", False), (b"x" * 200_000, True)])
@in_virtual_time
async def test_an_answer_that_comes_byte_by_byte_is_given_up_and_a_slow_one_not(piece: bytes, whole: bool) -> None:
    """It was never silent, so it was waited for as long as it liked."""
    house = House()
    task = await house.begins()
    wire = house.wires.made[-1]
    wire.opens()
    wire.says(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (10 * len(piece)))
    for _ in range(10):
        await asyncio.sleep(STEP_S - 1)
        if not task.done():
            wire.says(piece)
    if whole:
        assert (await task).body == piece * 10
    else:
        with pytest.raises(NotInTime):
            await task
    assert house.now() > SILENCES * STEP_S


@in_virtual_time
async def test_a_file_may_take_its_time_while_more_of_it_goes_out() -> None:
    house = House()
    task = await house.begins(replace(CALL, body=b"x" * 1_000_000))
    wire = house.wires.made[0]
    wire.opens()
    for left in range(900_000, 0, -100_000):
        wire.waiting = left
        await asyncio.sleep(STEP_S - 1)
    wire.waiting = 0
    await asyncio.sleep(STEP_S - 1)
    wire.says(WHOLE)
    assert (await task).body == b"hi"


@pytest.mark.parametrize("moves", [True, False])
@in_virtual_time
async def test_a_file_that_does_not_go_out_is_given_up(moves: bool) -> None:
    house = House()
    task = await house.begins(replace(CALL, body=b"x" * 1_000_000))
    wire = house.wires.made[0]
    wire.opens()
    began, wire.waiting = house.now(), 1_000_000
    while not task.done():
        wire.waiting -= moves
        await asyncio.sleep(1)
    assert isinstance(task.exception(), NotInTime)
    assert house.now() - began <= (SENT_S + STEP_S if moves else 3 * STEP_S) + 1


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: of-tomorrow\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (2 * BODY_LIMIT_BYTES) + b"x" * (BODY_LIMIT_BYTES + 1),
        b"no HTTP\r\n\r\n",
    ],
)
@in_virtual_time
async def test_a_broken_answer_ends_its_connection(said: bytes) -> None:
    house = House()
    with pytest.raises(BrokenAnswer):
        await house.carried(said)
    assert house.wires.made[0].closed
    assert len(house.wires.pool) == 0


@in_virtual_time
async def test_a_connection_that_ends_in_an_answer_breaks_it() -> None:
    house = House()
    task = await house.begins()
    wire = house.wires.made[0]
    wire.opens()
    wire.says(WHOLE[:-1])
    wire.ends()
    with pytest.raises(BrokenAnswer):
        await task


@in_virtual_time
async def test_why_there_is_no_connection_is_told() -> None:
    house = House()
    task = await house.begins()
    house.wires.made[0].fails("Connection refused")
    with pytest.raises(NotConnected) as caught:
        await task
    assert (caught.value.why, caught.value.in_time) == ("Connection refused", True)


@pytest.mark.parametrize("opens", [False, True])
@in_virtual_time
async def test_who_stops_waiting_leaves_no_connection_and_no_timer(opens: bool) -> None:
    house = House()
    task = await house.begins()
    if opens:
        house.wires.made[0].opens()
    task.cancel()
    await settle()
    assert house.wires.made[0].closed
    assert len(house.wires.pool) == 0
    assert not any(not timer.cancelled() for timer in asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]
