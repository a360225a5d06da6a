"""The load: plain protocols over kept connections, so that no client library is what gets measured.

An answer is read just so far as to know that it is whole: its length, or the end of its chunks.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_EVENT: Final = b"data:"
_END: Final = b"0\r\n\r\n"
_LATE_S: Final = 120.0
_AT_ONCE: Final = 100
"""Connections that are opened together; what listens may keep few waiting."""


class Failed(Exception):
    """An answer that is none: another status, or a connection that broke."""


@dataclass(slots=True)
class Timing:
    """One answer, in seconds since its request was sent."""

    first: float = 0.0
    """Its first word: the first `data:` of a stream, the first byte of another body."""
    last: float = 0.0
    pieces: int = 0
    """Events of a stream."""
    arrivals: list[float] = field(default_factory=list)


class Reading:
    """One answer while it comes. Raises Failed for one that is not a 200."""

    __slots__ = ("_begun", "_head", "_left", "_tail", "timing")

    def __init__(self) -> None:
        self.timing = Timing()
        self._head = b""
        self._begun = False
        self._left: int | None = None
        """Bytes of the body that are still to come; None: it comes in chunks."""
        self._tail = b""

    def feed(self, data: bytes, now: float) -> bool:
        """Whether the answer is whole now."""
        if not self._begun:
            self._head += data
            if (end := self._head.find(b"\r\n\r\n")) < 0:
                return False
            if not self._head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
                raise Failed(self._head[:400].decode("latin-1"))
            length = _LENGTH.search(self._head, 0, end + 2)
            self._left = int(length[1]) if length else None
            self._begun, data = True, self._head[end + 4 :]
        timing = self.timing
        if self._left is None:
            around = self._tail + data
            if count := around.count(_EVENT) - self._tail.count(_EVENT):
                timing.first = timing.first or now
                timing.pieces += count
                timing.arrivals.append(now)
            self._tail = around[-len(_END) :]
            over = self._tail == _END
        else:
            self._left -= len(data)
            over = self._left <= 0
        if over or (self._left is not None and data):
            timing.first = timing.first or now
        if over:
            timing.last = now
        return over


class Caller(asyncio.Protocol):
    """One connection; `ask` again and again."""

    def __init__(self) -> None:
        self._over: asyncio.Future[Timing] | None = None
        self._reading = Reading()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._over is not None and not self._over.done():
            self._over.set_exception(Failed(f"the connection broke: {exc or 'it was ended'}"))

    @property
    def begun(self) -> bool:
        """Whether the first word of the answer under way has come."""
        return self._reading.timing.first > 0

    async def ask(self, request: bytes) -> Timing:
        """Sends it and waits for the whole answer. Raises Failed, TimeoutError."""
        if self.lost:
            raise Failed("the connection had broken")
        self._over, self._reading = asyncio.get_running_loop().create_future(), Reading()
        self._began = time.perf_counter()
        self._transport.write(request)
        return await asyncio.wait_for(self._over, _LATE_S)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._over is None or self._over.done():
            return
        try:
            if self._reading.feed(data, time.perf_counter() - self._began):
                self._over.set_result(self._reading.timing)
        except Failed as failed:
            self._over.set_exception(failed)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect: a port of 127.0.0.1, over TLS where there is a certificate to trust."""

    port: int
    certificate: Path | None = None

    async def connected(self, count: int) -> list[Caller]:
        loop, found = asyncio.get_running_loop(), []
        tls = ssl.create_default_context(cafile=self.certificate) if self.certificate else None
        for at in range(0, count, _AT_ONCE):
            some = [
                loop.create_connection(Caller, "127.0.0.1", self.port, ssl=tls)
                for _ in range(at, min(at + _AT_ONCE, count))
            ]
            found += [caller for _, caller in await asyncio.gather(*some)]
        return found


@dataclass(frozen=True, slots=True)
class Rate:
    """What came of a load: `timings` of the answers, over `seconds`."""

    timings: Sequence[Timing]
    seconds: float
    failures: Sequence[str]

    @property
    def a_second(self) -> float:
        return len(self.timings) / self.seconds

    @property
    def events_a_second(self) -> float:
        return sum(one.pieces for one in self.timings) / self.seconds


async def closed_loop(place: Place, request: bytes, connections: int, seconds: float) -> Rate:
    """Each connection asks again as soon as it has its answer; one that broke is opened anew."""
    callers = await place.connected(connections)
    began = time.perf_counter()
    timings: list[Timing] = []
    failures: list[str] = []

    async def one(at: int) -> None:
        while time.perf_counter() < began + seconds:
            if callers[at].lost:
                (callers[at],) = await place.connected(1)
            try:
                timings.append(await callers[at].ask(request))
            except (Failed, TimeoutError) as e:
                failures.append(str(e) or "late")
                if len(failures) > connections:
                    return

    try:
        await asyncio.gather(*map(one, range(connections)))
        return Rate(timings, time.perf_counter() - began, failures)
    finally:
        for caller in callers:
            caller.close()


async def at_once(place: Place, request: bytes, count: int) -> Rate:
    """So many requests on new connections, all begun together."""
    callers = await place.connected(count)
    began = time.perf_counter()
    found = await asyncio.gather(*(caller.ask(request) for caller in callers), return_exceptions=True)
    took = time.perf_counter() - began
    for caller in callers:
        caller.close()
    timings = [one for one in found if isinstance(one, Timing)]
    return Rate(timings, took, [str(one) or type(one).__name__ for one in found if isinstance(one, BaseException)])
