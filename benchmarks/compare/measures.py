"""What is measured of a way that runs: rates, times to the first word, gaps, costs. Each gives values by figure."""

import asyncio
import json
import ssl
import statistics
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.compare import requests
from benchmarks.compare.figures import FIRST_WORD, percentile
from benchmarks.compare.load import Caller, Place, Rate, Timing, closed_loop
from benchmarks.compare.processes import cpu_s
from benchmarks.compare.way import Provider, Way

PIECES: Final = 50
"""Events of a stream."""
PACE_MS: Final = 50
"""Between two pieces of a paced stream."""
BEGIN_WITHIN_S: Final = 0.5
"""In which streams that run beside are asked for, one after the other."""
BEGIN_S: Final = 20.0
"""Until they must all have begun."""
WIDTHS: Final = (1, 16, 64, 256)
PROMPTS_KB: Final = {"1 KB": 1, "10 KB": 10, "100 KB": 100, "1 MB": 1024, "5 MB": 5 * 1024 - 64}
TURNS: Final = (10, 100)
TOOLS: Final = (1, 10, 60)


class Wrong(Exception):
    """The way gave other answers than it was asked for."""


@dataclass(frozen=True, slots=True)
class Load:
    """How long and how wide a measure goes."""

    seconds: float = 3.0
    connections: int = 16


type Values = dict[str, float]


@dataclass(frozen=True, slots=True)
class Measure:
    """`group`: which ways it is for, and which table its figures stand in."""

    group: str
    name: str
    run: Callable[[Way], Coroutine[Any, Any, Values]]


def checked(rate: Rate, events: int = 0) -> Rate:
    """Raises Wrong where more than one in a hundred failed, or a stream lacks events."""
    if not rate.timings or len(rate.failures) > len(rate.timings) / 100:
        raise Wrong(f"{len(rate.failures)} failed, {len(rate.timings)} did not: {rate.failures[:1]}")
    if events and (least := min(one.pieces for one in rate.timings)) < events:
        raise Wrong(f"a stream had {least} events")
    return rate


def place(way: Way) -> Place:
    return Place(way.port, way.certificate)


class Spent:
    """CPU that the way, its provider and the load have had since this began."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._before = self._now()

    def _now(self) -> Sequence[float]:
        return (cpu_s(self._way.pids), cpu_s([self._way.provider.pid]), time.process_time())

    def of_a_request(self, kind: str, rate: Rate) -> Values:
        """CPU ms a request of the way, where it has processes; and how busy all three were, in % of one core."""
        used = [after - before for before, after in zip(self._before, self._now(), strict=True)]
        way, provider, load = (100 * one / rate.seconds for one in used)
        beside = {f"{kind}: provider busy %": provider, f"{kind}: load busy %": load}
        if not self._way.pids:
            return beside
        return {f"CPU ms a {kind}": used[0] * 1000 / len(rate.timings), f"{kind}: way busy %": way, **beside}


def measures(load: Load) -> Sequence[Measure]:
    """All of them; a way gets those of its groups."""
    return [
        Measure("rates", "whole answers", lambda way: whole(load, way)),
        Measure("rates", "streams", lambda way: streams(load, way)),
        *(Measure("paced", f"first word, {width}", _first_word(load, width)) for width in WIDTHS),
        Measure("parts", "whole answers", lambda way: whole(load, way)),
        Measure("parts", "streams", lambda way: streams(load, way)),
        Measure("paced", "gaps", lambda way: gaps(load, way)),
        Measure("models", "models", lambda way: models(load, way)),
        Measure("connections", "upstream connections", lambda way: upstream_connections(load, way)),
        *(Measure("costs", f"a prompt of {name}", _cost(load, name, kb=kb)) for name, kb in PROMPTS_KB.items()),
        *(Measure("costs", f"{turns} turns before", _cost(load, f"{turns} turns", turns=turns)) for turns in TURNS),
        *(Measure("tools", f"{tools} tools", _cost(load, f"{tools} tools", tools=tools)) for tools in TOOLS),
    ]


async def whole(load: Load, way: Way) -> Values:
    spent = Spent(way)
    data = requests.chat(way, f"!b{PIECES}", stream=False)
    rate = checked(await closed_loop(place(way), data, load.connections, load.seconds))
    return {"whole answers/s": rate.a_second, **spent.of_a_request("whole answer", rate)}


async def streams(load: Load, way: Way) -> Values:
    """Streams as fast as they come."""
    spent = Spent(way)
    data = requests.chat(way, f"!b{PIECES}", stream=True)
    rate = checked(await closed_loop(place(way), data, load.connections, load.seconds), PIECES)
    return {
        "streams/s": rate.a_second,
        "events/s": rate.events_a_second,
        **spent.of_a_request("stream", rate),
    }


def _first_word(load: Load, width: int) -> Callable[[Way], Coroutine[Any, Any, Values]]:
    """The time to the first word of one stream after the other, while others run: `width` in all."""

    async def measure(way: Way) -> Values:
        async with running(way, width - 1):
            data = requests.chat(way, "!b1", stream=True)
            rate = checked(await closed_loop(place(way), data, 1, load.seconds / 2), 1)
        middle = statistics.median(one.first for one in rate.timings)
        return {f"{FIRST_WORD}, {width} stream{'s' * (width > 1)}": middle * 1000}

    return measure


@asynccontextmanager
async def running(way: Way, count: int) -> AsyncIterator[None]:
    """So many streams run, with a piece each 200 ms; they did not begin all at once. Raises Wrong where one fails."""
    callers = await place(way).connected(count)
    data, asked = requests.chat(way, "!b1500-200", stream=True), []
    try:
        for caller in callers:
            asked.append(asyncio.ensure_future(caller.ask(data)))
            await asyncio.sleep(BEGIN_WITHIN_S / count)
        await all_begun(callers, asked, BEGIN_S)
        yield
        if failed := [one for one in asked if one.done()]:
            raise Wrong(f"{len(failed)} of {count} streams beside did not go on: {failed[0].exception()}")
    finally:
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        for caller in callers:
            caller.close()


async def all_begun(callers: list[Caller], running: Sequence[asyncio.Future[Timing]], within_s: float) -> None:
    """Waits until each stream has its first word. Raises Wrong."""
    end = time.perf_counter() + within_s
    while not all(caller.begun for caller in callers):
        failed = [str(one.exception()) for one in running if one.done() and one.exception()]
        if failed or time.perf_counter() > end:
            begun = sum(caller.begun for caller in callers)
            raise Wrong(f"of {len(callers)} streams {begun} began: {failed[:1]}")
        await asyncio.sleep(0.1)


async def gaps(load: Load, way: Way) -> Values:
    """How far apart words come that were sent every 50 ms, the 99th of a hundred; and what such a stream costs.

    The answer's end is left out: a gateway may keep the finish until the provider's end mark, which comes a pace later.
    """
    spent = Spent(way)
    data = requests.chat(way, f"!b{PIECES}-{PACE_MS}", stream=True)
    rate = checked(await closed_loop(place(way), data, 64, load.seconds / 2), PIECES)
    found = sorted(gap for one in rate.timings for gap in between(one)[: PIECES - 1])
    return {"gap p99 ms, 64 streams": percentile(found, 0.99) * 1000, **spent.of_a_request("paced stream", rate)}


def between(one: Timing) -> list[float]:
    """Seconds between pieces that arrived one behind the other."""
    return [after - before for before, after in zip(one.arrivals, one.arrivals[1:], strict=False)]


async def models(load: Load, way: Way) -> Values:
    rate = checked(await closed_loop(place(way), requests.models(way), load.connections, load.seconds / 2))
    return {"/v1/models a second": rate.a_second}


async def upstream_connections(load: Load, way: Way) -> Values:
    """New connections to the provider for a hundred requests over kept client connections."""
    data = requests.chat(way, f"!b{PIECES}", stream=True)
    await closed_loop(place(way), data, 4, load.seconds / 4)
    before = await connections_of(way.provider)
    rate = checked(await closed_loop(place(way), data, 4, load.seconds / 2), PIECES)
    made = await connections_of(way.provider) - before - 1  # (the one that asks)
    return {"upstream connections a 100 requests": made * 100 / len(rate.timings)}


async def connections_of(provider: Provider) -> int:
    """How many connections a provider has had so far."""
    tls = ssl.create_default_context(cafile=provider.certificate) if provider.certificate else None
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port, ssl=tls)
    writer.write(b"GET /counts HTTP/1.1\r\nhost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()
    found: int = json.loads(body)["connections"]
    return found


def _cost(load: Load, name: str, **more: int) -> Callable[[Way], Coroutine[Any, Any, Values]]:
    """CPU of a short whole answer to a bigger request."""

    async def measure(way: Way) -> Values:
        data = requests.chat(way, "!b1", stream=False, **more)
        before = cpu_s(way.pids)
        rate = checked(await closed_loop(place(way), data, 4, load.seconds / 2))
        return {f"CPU ms, {name}": (cpu_s(way.pids) - before) * 1000 / len(rate.timings)}

    return measure
