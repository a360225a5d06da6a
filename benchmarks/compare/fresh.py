"""What is measured of a way that has just been started: its start, its memory, a thousand streams at once.

In a process that has worked already, memory that was taken before would hide what streams take.
"""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.compare import requests
from benchmarks.compare.figures import percentile
from benchmarks.compare.load import at_once
from benchmarks.compare.measures import Values, all_begun, checked, place
from benchmarks.compare.processes import memory_mb
from benchmarks.compare.way import Start, Upstreams, Way

_PIECES: Final = 10
_SETTLES_S: Final = 1.0
_BEGIN_S: Final = 60.0


async def fresh(start: Start, folder: Path, upstreams: Upstreams, streams: int, found: Values) -> None:
    """Starts the way, puts what is measured into `found`, and ends it. `streams`: how many are held and begun at once.

    Raises Unavailable, Wrong, Failed; what was found until then stands.
    """
    with start(folder, upstreams) as way:
        began = time.perf_counter()
        await _answered(way)
        if way.pids:
            found["start to first answer s"] = way.started_in_s + time.perf_counter() - began
            await asyncio.sleep(_SETTLES_S)
            found["memory idle MB"] = memory_mb(way.pids)
        if streams and way.pids:
            found |= await held(way, streams)
        if streams:
            found |= await burst(way, streams)


async def _answered(way: Way) -> None:
    (caller,) = await place(way).connected(1)
    await caller.ask(requests.chat(way, "!b1", stream=False))
    caller.close()


async def held(way: Way, count: int) -> Values:
    """Memory for each stream that is open and waits."""
    before = memory_mb(way.pids)
    callers = await place(way).connected(count)
    data = requests.chat(way, "!b30-2000", stream=True)
    running = [asyncio.ensure_future(caller.ask(data)) for caller in callers]
    try:
        await all_begun(callers, running, _BEGIN_S)
        await asyncio.sleep(_SETTLES_S)
        took = memory_mb(way.pids) - before
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for caller in callers:
            caller.close()
    await asyncio.sleep(_SETTLES_S)
    return {"KB a held stream": took * 1024 / count}


async def burst(way: Way, count: int) -> Values:
    """Streams begun together on new connections, a piece each 200 ms."""
    rate = await at_once(place(way), requests.chat(way, f"!b{_PIECES}-200", stream=True), count)
    checked(rate, _PIECES)
    first = sorted(one.first for one in rate.timings)
    return {
        "burst: first word p50 s": statistics.median(first),
        "burst: first word p99 s": percentile(first, 0.99),
        "burst: lost": float(len(rate.failures)),
    }
