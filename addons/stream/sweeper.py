"""The one clock of all deadlines: looks a few times a second which have passed, and ticks those.

A thousand quiet streams cost one comparison each per sweep; no task and no timer belongs to a stream. A stream that
cannot be ticked is ended, alone; the timers of all others go on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from addons.stream.deps import Timed

log = logging.getLogger("glassgate")

SWEEP_S: Final = 0.1
AT_ONCE: Final = 20
"""So many are ticked before the event loop has its turn."""

type Deliver = Callable[[str, Timed], Awaitable[bool]]
"""Ticks this one of the connection with this client id; False when that connection is gone."""


class Sweeper:
    """The Deadlines of the stream layer. `sweep` is called every SWEEP_S; `abort` ends a client's connection."""

    def __init__(self, clock: Callable[[], float], deliver: Deliver, abort: Callable[[str], None]) -> None:
        self._clock = clock
        self._deliver = deliver
        self._abort = abort
        self._streams: set[Timed] = set()

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: Timed) -> None:
        self._streams.add(stream)

    def discard(self, stream: Timed) -> None:
        self._streams.discard(stream)

    async def sweep(self) -> None:
        """Ticks every stream whose deadline has passed."""
        now, due = self._clock(), []
        for stream in list(self._streams):
            try:
                if not stream.deadline > now:  # not so for NaN either
                    due.append(stream)
            except Exception:
                self._end(stream)
        await self._tick_all(due)

    async def end(self, which: Callable[[Timed], bool] = lambda stream: True) -> None:
        """Ends streams now, all or those that `which` chooses."""
        chosen = [stream for stream in self._streams if which(stream)]
        for stream in chosen:
            stream.ending = True
        await self._tick_all(chosen)

    async def _tick_all(self, streams: list[Timed]) -> None:
        for number, stream in enumerate(streams, 1):
            if stream in self._streams:
                await self._tick(stream)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # a thousand at once must not hold all others

    async def _tick(self, stream: Timed) -> None:
        try:
            if not await self._deliver(stream.client_id, stream):
                self.discard(stream)
        except Exception:
            self._end(stream)

    def _end(self, stream: Timed) -> None:
        """To be called while its fault is handled."""
        log.exception("the clock could not reach a stream; its connection is ended, the others go on")
        self.discard(stream)
        try:
            self._abort(stream.client_id)
        except Exception:
            log.exception("the connection could not be ended")
