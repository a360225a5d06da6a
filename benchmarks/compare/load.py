"""The load: plain protocols over kept connections, so that no client library is what gets measured.

An answer is read just so far as to know that it is whole: its length, or the end of its chunks.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END: Final = b"0\r\n\r\n"
_LATE_S: Final = 120.0


class Failed(Exception):
    """An answer that is none: its status, or its connection broke."""


@dataclass(slots=True)
class Timing:
    """One answer, in seconds since its request was sent."""

    first: float = 0.0
    """Its first word (the first `data:` of a stream, the first byte of a whole answer)."""
    last: float = 0.0
    pieces: int = 0
    """Events of a stream."""
    arrivals: list[float] = field(default_factory=list)


class Caller(asyncio.Protocol):
    """One connection; `ask` again and again."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._over: asyncio.Future[Timing] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_exception(
                Failed(f"the connection broke ({exc or 'ended'}) after {bytes(self._buffer[:200])!r}")
            )

    async def ask(self, request: bytes) -> Timing:
        """Sends it and waits for the whole answer. Raises Failed."""
        self._buffer.clear()
        self._timing, self._began, self._length, self._tail = Timing(), time.perf_counter(), -1, b""
        self._over = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self._over, _LATE_S)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        now, timing = time.perf_counter() - self._began, self._timing
        if self._over is None or self._over.done():
            return
        if self._length == -1:  # the head
            self._buffer += data
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 200" not in self._buffer[:13]:
                self._over.set_exception(Failed(bytes(self._buffer[:400]).decode("latin-1")))
                return
            found = _LENGTH.search(self._buffer, 0, end + 2)
            data = bytes(self._buffer[end + 4 :])
            self._length = int(found[1]) if found else -2
        if self._length >= 0:
            timing.first = timing.first or now
            self._length -= len(data)
            if self._length <= 0:
                timing.last = now
                self._over.set_result(timing)
            return
        if count := data.count(b"data:"):
            timing.first = timing.first or now
            timing.pieces += count
            timing.arrivals.append(now)
        self._tail = (self._tail + data)[-len(_END) :]
        if self._tail == _END:
            timing.last = now
            self._over.set_result(timing)


async def connected(port: int, count: int) -> list[Caller]:
    """Connections to 127.0.0.1, a hundred at a time."""
    loop, found = asyncio.get_running_loop(), []
    for at in range(0, count, 100):
        some = [loop.create_connection(Caller, "127.0.0.1", port) for _ in range(at, min(at + 100, count))]
        found += [caller for _, caller in await asyncio.gather(*some)]
    return found


@dataclass(frozen=True, slots=True)
class Rate:
    """What came of a closed loop: `timings` of the answers, over `seconds`."""

    timings: Sequence[Timing]
    seconds: float
    failures: Sequence[str]

    @property
    def a_second(self) -> float:
        return len(self.timings) / self.seconds

    @property
    def events_a_second(self) -> float:
        return sum(one.pieces for one in self.timings) / self.seconds


async def closed_loop(port: int, request: bytes, connections: int, seconds: float) -> Rate:
    """Each connection asks again as soon as it has its answer."""
    callers = await connected(port, connections)
    began = time.perf_counter()
    end = began + seconds
    timings: list[Timing] = []
    failures: list[str] = []

    async def one(caller: Caller) -> None:
        while time.perf_counter() < end:
            try:
                timings.append(await caller.ask(request))
            except (Failed, TimeoutError) as e:
                failures.append(str(e) or "late")
                return

    await asyncio.gather(*map(one, callers))
    took = time.perf_counter() - began
    for caller in callers:
        caller.close()
    return Rate(timings, took, failures)


async def at_once(port: int, request: bytes, count: int) -> Rate:
    """So many requests on new connections, all begun together."""
    callers = await connected(port, count)
    began = time.perf_counter()
    found = await asyncio.gather(*(caller.ask(request) for caller in callers), return_exceptions=True)
    took = time.perf_counter() - began
    for caller in callers:
        caller.close()
    timings = [one for one in found if isinstance(one, Timing)]
    return Rate(timings, took, [str(one) or type(one).__name__ for one in found if isinstance(one, BaseException)])
