"""Graceful shutdown: no new requests, live streams may finish for a while, then each is told and all is closed.

The first SIGTERM or SIGINT begins the drain, the second ends the process at once. The end of the terminal begins it
too, but comes more than once (from the terminal and from the shell), so there is no second one of that kind.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

log = logging.getLogger("glassgate")

FLUSH_S: Final = 0.05
LAST_WORDS_S: Final = 0.5
"""How long the streams that were ended may take to send their last words."""
UNREAD_S: Final = 1.0
"""Clients that take nothing for so long of what waits for them are waited for no more."""


@dataclass(slots=True)
class Drain:
    """The shutdown of one process. `live` counts the requests, `end_all` ends them, `stop` ends the process; `unsent`
    counts the bytes that wait until clients read."""

    live: Callable[[], int]
    end_all: Callable[[], Awaitable[None]]
    stop: Callable[[], None]
    drain_s: Callable[[], float]
    unsent: Callable[[], int] = lambda: 0
    begun: bool = False
    over: bool = False
    """The time is up: nothing may be tried any more."""
    _task: asyncio.Task[None] | None = None
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)

    def one_less(self) -> None:
        """To be called when a request has ended."""
        if self.begun and not self.live():
            self._quiet.set()

    def asked(self) -> None:
        """Begins the shutdown; when it has begun, ends the process at once. For SIGTERM and SIGINT."""
        if self.begun:
            log.warning("a second signal: ending at once")
            self.over = True
            self.stop()
            return
        self._begin()

    def hung_up(self) -> None:
        """Begins the shutdown, unless it has begun: the terminal is gone."""
        if not self.begun:
            log.warning("the terminal has gone: shutting down")
            self._begin()

    def _begin(self) -> None:
        self.begun = True
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            await self._drain()
        except Exception:
            log.exception("a fault of the gateway while it was shutting down; it ends at once")
        finally:
            self.over = True
            self.stop()

    async def _drain(self) -> None:
        until = asyncio.get_running_loop().time() + self.drain_s()
        if self.live():
            log.info("shutting down: %d requests may finish within %g s", self.live(), self.drain_s())
            await self._until_quiet(self.drain_s())
        self.over = True
        if left := self.live():
            log.warning("shutting down: %d requests are ended before their answers were complete", left)
            await self.end_all()
            await self._until_quiet(LAST_WORDS_S)
            await asyncio.sleep(FLUSH_S)  # what was written last must leave the buffers
        await self._until_sent(until)

    async def _until_sent(self, until: float) -> None:
        """Answers are whole once they are sent: a slow client still reads the end of one."""
        loop = asyncio.get_running_loop()
        left, since = self.unsent(), loop.time()
        while left and loop.time() < min(until, since + UNREAD_S):
            await asyncio.sleep(FLUSH_S)
            before, left = left, self.unsent()
            if left < before:
                since = loop.time()

    async def _until_quiet(self, most_s: float) -> None:
        self._quiet.clear()
        if self.live():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), most_s)
