"""What is measured of a way: rates, times to the first word, gaps, memory. Each gives figures by name."""

import asyncio
import json
import os
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.compare.load import Rate, Timing, at_once, closed_loop, connected
from benchmarks.compare.ways import Way

PIECES: Final = 50
"""Events of a stream."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def request(way: Way, prompt: str, *, stream: bool, history: int = 0, tools: int = 0) -> bytes:
    """A request of a chat, as bytes; `history` turns before the prompt, `tools` functions."""
    messages = [{"role": ("user", "assistant")[at % 2], "content": f"turn {at} of before"} for at in range(history * 2)]
    body: dict[str, object] = {
        "model": way.model,
        "stream": stream,
        "messages": [*messages, {"role": "user", "content": prompt}],
    }
    if tools:
        schema = {"type": "object", "properties": {f"p{at}": {"type": "string"} for at in range(6)}}
        body["tools"] = [
            {"type": "function", "function": {"name": f"f{at}", "parameters": schema}} for at in range(tools)
        ]
    if way.form == "anthropic":
        body["max_tokens"] = 4096
    content = json.dumps(body).encode()
    head = [f"POST {way.path} HTTP/1.1", f"host: 127.0.0.1:{way.port}", "content-type: application/json"]
    head += [*(f"{name}: {value}" for name, value in way.headers.items()), f"content-length: {len(content)}"]
    return "\r\n".join([*head, "", ""]).encode() + content


# -- what the processes take ------------------------------------------------------------------------------------------
def family(pids: Sequence[int]) -> list[int]:
    """The processes and their children, theirs too."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, left = [], list(pids)
    while left:
        found.append(left[-1])
        left += children.get(left.pop(), [])
    return found


def cpu_s(pids: Sequence[int]) -> float:
    """Seconds of CPU that they have had so far."""
    total = 0
    for pid in family(pids):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def memory_mb(pids: Sequence[int]) -> float:
    """What they hold now (resident; what they share counts in each)."""
    total = 0
    for pid in family(pids):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
    return total / 1024


# -- measures ---------------------------------------------------------------------------------------------------------
type Figures = dict[str, float]
type Measure = Callable[[Way], Awaitable[Figures]]


class Wrong(Exception):
    """The way gave other answers than it was asked for."""


def _checked(rate: Rate, events: int = 0) -> Rate:
    if not rate.timings or len(rate.failures) > len(rate.timings) / 100:
        raise Wrong(f"{len(rate.failures)} failed, {len(rate.timings)} did not: {rate.failures[:1]}")
    if events and min(one.pieces for one in rate.timings) < events:
        raise Wrong(f"a stream had {min(one.pieces for one in rate.timings)} events")
    return rate


@dataclass(frozen=True, slots=True)
class Load:
    """How long and how wide a measure goes."""

    seconds: float = 3.0
    connections: int = 16
    streams: int = 1000
    """Streams held, and of the burst."""


def whole(load: Load) -> Measure:
    async def measure(way: Way) -> Figures:
        before = cpu_s(way.pids)
        rate = _checked(await closed_loop(way.port, request(way, "!b50", stream=False), load.connections, load.seconds))
        cpu = (cpu_s(way.pids) - before) * 1000 / len(rate.timings)
        return {"whole answers/s": rate.a_second, "CPU ms a whole answer": cpu}

    return measure


def streams(load: Load) -> Measure:
    async def measure(way: Way) -> Figures:
        before = cpu_s(way.pids)
        data = request(way, f"!b{PIECES}", stream=True)
        rate = _checked(await closed_loop(way.port, data, load.connections, load.seconds), PIECES)
        cpu = (cpu_s(way.pids) - before) * 1000 / len(rate.timings)
        return {"streams/s": rate.a_second, "events/s": rate.events_a_second, "CPU ms a stream": cpu}

    return measure


def first_word(load: Load, width: int) -> Measure:
    """The time to the first word while `width` paced streams run."""

    async def measure(way: Way) -> Figures:
        data = request(way, "!b20-20", stream=True)
        rate = _checked(await closed_loop(way.port, data, width, max(1.0, load.seconds / 2)), 20)
        return {f"first word ms, {width} streams": _p50([one.first for one in rate.timings]) * 1000}

    return measure


def gaps(load: Load) -> Measure:
    """How late pieces come: of streams with 20 ms between two, the 99th of a hundred gaps."""

    async def measure(way: Way) -> Figures:
        data = request(way, "!b50-20", stream=True)
        rate = _checked(await closed_loop(way.port, data, 64, max(1.5, load.seconds / 2)), PIECES)
        found = sorted(gap for one in rate.timings for gap in _between(one))
        return {"gap p99 ms, 64 streams": found[int(len(found) * 0.99)] * 1000}

    return measure


def _between(one: Timing) -> list[float]:
    return [after - before for before, after in zip(one.arrivals, one.arrivals[1:], strict=False)]


def burst(load: Load) -> Measure:
    """Many streams begun together on new connections."""

    async def measure(way: Way) -> Figures:
        rate = await at_once(way.port, request(way, "!b50-200", stream=True), load.streams)
        _checked(rate, PIECES)
        first = sorted(one.first for one in rate.timings)
        return {
            f"first word p50 s, {load.streams} at once": _p50(first),
            f"first word p99 s, {load.streams} at once": first[int(len(first) * 0.99)],
            f"lost of {load.streams}": float(len(rate.failures)),
        }

    return measure


def held(load: Load) -> Measure:
    """Memory for each stream that is open and waits."""

    async def measure(way: Way) -> Figures:
        if not way.pids:
            return {}
        before = memory_mb(way.pids)
        callers = await connected(way.port, load.streams)
        data = request(way, "!b6-2000", stream=True)
        running = [asyncio.ensure_future(caller.ask(data)) for caller in callers]
        await asyncio.sleep(8)
        took = memory_mb(way.pids) - before
        lost = sum(one.done() and one.exception() is not None for one in running)
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for caller in callers:
            caller.close()
        if lost:
            raise Wrong(f"{lost} of {load.streams} held streams were lost")
        return {"memory idle MB": before, f"KB a held stream ({load.streams})": took * 1024 / load.streams}

    return measure


def models(load: Load) -> Measure:
    async def measure(way: Way) -> Figures:
        head = [
            "GET /v1/models HTTP/1.1",
            f"host: 127.0.0.1:{way.port}",
            *(f"{n}: {v}" for n, v in way.headers.items()),
        ]
        data = "\r\n".join([*head, "", ""]).encode()
        rate = _checked(await closed_loop(way.port, data, load.connections, load.seconds / 2))
        return {"/v1/models a second": rate.a_second}

    return measure


def cost(load: Load, name: str, **asked: int) -> Measure:
    """CPU of a whole answer to a bigger request: `kb` of prompt, `history` turns, `tools`."""

    async def measure(way: Way) -> Figures:
        kb = asked.get("kb", 0)
        prompt = "!b1 " + "many words of a prompt " * (kb * 1024 // 23)
        data = request(way, prompt, stream=False, history=asked.get("history", 0), tools=asked.get("tools", 0))
        before = cpu_s(way.pids)
        rate = _checked(await closed_loop(way.port, data, 4, load.seconds / 2))
        return {f"CPU ms, {name}": (cpu_s(way.pids) - before) * 1000 / len(rate.timings)}

    return measure


def new_connections(load: Load, upstream: int) -> Measure:
    """New connections to the provider for a hundred requests over kept client connections."""

    async def measure(way: Way) -> Figures:
        data = request(way, f"!b{PIECES}", stream=True)
        await closed_loop(way.port, data, 4, 0.5)
        before = await _connections(upstream)
        rate = _checked(await closed_loop(way.port, data, 4, load.seconds / 2), PIECES)
        made = await _connections(upstream) - before - 1  # (the one that asks)
        return {"new upstream connections a hundred requests": made * 100 / len(rate.timings)}

    return measure


async def _connections(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /counts HTTP/1.1\r\nhost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()
    found: int = json.loads(body)["connections"]
    return found


def _p50(values: Sequence[float]) -> float:
    return statistics.median(values)
