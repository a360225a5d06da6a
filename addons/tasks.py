"""Work that no request waits for: it runs to its end, and the process waits for it before it ends."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("glassgate")


class Background:
    """A set of tasks. What they raise is logged, once each."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.ensure_future(work)
        task.set_name(name)
        self.watch(task)

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Takes a task that was begun elsewhere into the set."""
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def settle(self, within_s: float) -> None:
        """Waits for what is under way, but not for ever; the rest is cancelled."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=within_s)
            for task in late:
                task.cancel()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
