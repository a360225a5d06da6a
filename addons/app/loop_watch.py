"""Watchdog of the event loop: logs when it was blocked, for every stream waits then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("glassgate")

BEAT_S = 0.1
HELD_S = 0.2
OWN_S = 0.1
"""Worth a line already when it was the loop's own work, and not the machine's."""
QUIET_S = 10.0
"""At most one line in so many seconds."""


class LoopWatch:
    """The watchdog; `step` is to be run again and again, without a pause.

    `clock` is monotonic, `cpu` the loop thread's CPU time, both in seconds; `sleep` is asyncio's.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        cpu: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._cpu = cpu
        self._sleep = sleep
        self._starting = True
        """The first beat ends when the start does, whose loading holds nobody: there is no stream yet."""
        self._said_at = float("-inf")
        self._unsaid = 0
        """Times the loop was held since the last line."""

    async def step(self) -> None:
        """One beat."""
        began, worked = self._clock(), self._cpu()
        await self._sleep(BEAT_S)
        held_s = self._clock() - began - BEAT_S
        if self._starting:
            self._starting = False
            return
        self._beat(held_s, min(held_s, self._cpu() - worked))

    def _beat(self, held_s: float, own_s: float) -> None:
        if held_s < HELD_S and own_s < OWN_S:
            return
        now = self._clock()
        if now - self._said_at < QUIET_S:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more since the last line)" if self._unsaid else ""
        self._said_at, self._unsaid = now, 0
        log.warning(
            "the event loop was held for %d ms, at most %d of them by its own work%s: all streams waited. "
            "The machine is overloaded or was asleep, or an addon beside Glassgate blocks",
            round(held_s * 1000),
            round(own_s * 1000),
            more,
        )
