"""One clock for all that wait: looks a few times a second which of them reached a deadline, and ticks those.

A thousand quiet streams cost one comparison each per sweep; no task and no timer belongs to a stream.
"""

import asyncio
from collections.abc import Awaitable, Callable

from addons.stream.gear import Tick, Watched

SWEEP_S = 0.1

type Deliver = Callable[[str, Tick], Awaitable[bool]]
"""Hands a tick to the connection with this client id; False when that connection is gone."""


class Sweeper:
    """The Watch of the stream layer. `run` is the sweep itself, to be kept as one task."""

    def __init__(self, clock: Callable[[], float], deliver: Deliver) -> None:
        self._clock = clock
        self._deliver = deliver
        self._streams: set[Watched] = set()
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: Watched) -> None:
        self._streams.add(stream)
        self._some.set()

    def discard(self, stream: Watched) -> None:
        self._streams.discard(stream)

    async def run(self) -> None:
        """Sweeps for ever; sleeps while there is no stream."""
        while True:
            await self._some.wait()
            if not self._streams:
                self._some.clear()
                continue
            await self.sweep()
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """Ticks every stream whose deadline has passed."""
        now = self._clock()
        for stream in [s for s in self._streams if s.deadline <= now]:
            if not await self._deliver(stream.client_id, Tick(stream)):
                self.discard(stream)

    async def end_all(self) -> None:
        """Ends every stream now: the gateway stops."""
        for stream in list(self._streams):
            stream.ending = True
            await self._deliver(stream.client_id, Tick(stream))
