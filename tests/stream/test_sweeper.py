"""The clock for all who wait: one that cannot be reached costs the others nothing."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import pytest

from addons.stream.deps import Timed
from addons.stream.sweeper import Sweeper


@dataclass(eq=False)
class Waiting:
    client_id: str
    deadline: float
    ending: bool = False


class Broken:
    """Its deadline cannot even be read."""

    client_id = "broken"
    ending = False

    @property
    def deadline(self) -> float:
        raise RuntimeError("no deadline")


class House:
    """A sweeper, whom it ticked and whose connection it ended."""

    def __init__(self, fails: Callable[[str], bool] = lambda client: False) -> None:
        self.ticked: list[str] = []
        self.aborted: list[str] = []
        self.now = 10.0
        self.fails = fails
        self.sweeper = Sweeper(lambda: self.now, self.deliver, self.aborted.append)

    async def deliver(self, client: str, watched: Timed) -> bool:
        self.ticked.append(client)
        if self.fails(client):
            raise RuntimeError("a layer of another kind")
        return client != "gone"


def test_those_who_are_due_are_ticked() -> None:
    house = House()
    for client, deadline in (("due", 9.0), ("now", 10.0), ("later", 11.0), ("odd", float("nan")), ("gone", 1.0)):
        house.sweeper.add(Waiting(client, deadline))
    asyncio.run(house.sweeper.sweep())
    assert sorted(house.ticked) == ["due", "gone", "now", "odd"]
    assert len(house.sweeper) == 4, "who is gone waits no more"


def test_one_fault_ends_one_stream(caplog: pytest.LogCaptureFixture) -> None:
    house = House(lambda client: client == "bad")
    house.sweeper.add(cast(Timed, Broken()))
    for client in ("a", "bad", "b"):
        house.sweeper.add(Waiting(client, 1.0))
    with caplog.at_level(logging.ERROR, "glassgate"):
        asyncio.run(house.sweeper.sweep())
        asyncio.run(house.sweeper.sweep())
    assert sorted(house.ticked) == ["a", "a", "b", "b", "bad"]
    assert sorted(house.aborted) == ["bad", "broken"]
    assert len(caplog.records) == 2, "once each, and never again"


def test_a_connection_that_cannot_even_be_ended_costs_the_others_nothing() -> None:
    house = House(lambda client: client == "bad")
    house.sweeper = Sweeper(lambda: house.now, house.deliver, lambda client: house.aborted[99])  # type: ignore[arg-type]
    for client in ("a", "bad", "b"):
        house.sweeper.add(Waiting(client, 1.0))
    asyncio.run(house.sweeper.sweep())
    assert sorted(house.ticked) == ["a", "b", "bad"]


def test_some_can_be_ended_at_once() -> None:
    house = House(lambda client: client == "bad")
    streams = [Waiting(client, 1e9) for client in ("a", "bad", "b")]
    for stream in streams:
        house.sweeper.add(stream)
    asyncio.run(house.sweeper.end(lambda one: one.client_id != "b"))
    assert [stream.ending for stream in streams] == [True, True, False]
    assert sorted(house.ticked) == ["a", "bad"]
    asyncio.run(house.sweeper.end())
    assert streams[2].ending


def test_a_thousand_at_once_leave_the_loop_its_turns() -> None:
    house = House()
    for number in range(1000):
        house.sweeper.add(Waiting(str(number), 1.0))
    turns = 0

    async def run() -> None:
        sweeping = asyncio.ensure_future(house.sweeper.sweep())
        nonlocal turns
        while not sweeping.done():
            turns += 1
            await asyncio.sleep(0)

    asyncio.run(run())
    assert len(house.ticked) == 1000
    assert turns >= 50


def test_who_left_meanwhile_is_not_ticked() -> None:
    house = House()
    streams = [Waiting(str(number), 1.0) for number in range(100)]
    for stream in streams:
        house.sweeper.add(stream)

    async def run() -> None:
        sweeping = asyncio.ensure_future(house.sweeper.sweep())
        await asyncio.sleep(0)
        for stream in streams:
            house.sweeper.discard(stream)
        await sweeping

    asyncio.run(run())
    assert len(house.ticked) < 50
