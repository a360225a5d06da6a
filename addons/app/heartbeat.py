"""The background loops of the process: guarded, so that no fault ends one, and watched, so that none ends in silence.

A loop is a step that is done again and again. What a step raises is logged (with its traceback, once for each distinct
fault) and the loop goes on. Each loop's last beat is kept; `problems` says which loop has missed its own.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

log = logging.getLogger("glassgate")

PATIENCE_S: Final = 30.0
"""A loop that has not beaten for so long longer than its pause has stopped, or hangs."""
AFTER_FAULT_S: Final = 1.0
"""A step that failed is not done again before, however short its pause is."""
FAULTS_LIMIT: Final = 100
"""Distinct faults remembered for one loop."""

type Step = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Loop:
    """One loop: its step, the pause between two, how long a step may take at most."""

    name: str
    step: Step
    pause_s: float
    patience_s: float
    beat: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    said: set[str] = field(default_factory=set)
    """Faults that the log has already."""
    failing: str = ""
    """What the last step raised, if it did."""
    task: asyncio.Task[None] | None = None


class Heartbeat:
    """`clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._loops: dict[str, _Loop] = {}
        self._works: dict[asyncio.Task[None], str] = {}
        self._failed: list[str] = []
        self._stopped = False

    def keep(self, name: str, step: Step, pause_s: float, patience_s: float = PATIENCE_S) -> None:
        """Does `step` again and again, with a pause between. A step may take up to `patience_s`."""
        loop = self._loops[name] = _Loop(name, step, pause_s, patience_s, self._clock())
        loop.task = asyncio.create_task(self._run(loop), name=f"glassgate {name}")

    def once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Does a piece of work that the process cannot do without."""
        task = asyncio.create_task(work, name=f"glassgate {name}")
        self._works[task] = name
        task.add_done_callback(self._done)

    def wake(self, name: str) -> None:
        """Has a loop's next step done now."""
        if name in self._loops:
            self._loops[name].wake.set()

    def stop(self) -> None:
        self._stopped = True
        tasks = [loop.task for loop in self._loops.values() if loop.task is not None]
        for task in [*tasks, *self._works]:
            task.cancel()

    def problems(self) -> list[str]:
        """What has stopped or fails, a sentence each; nothing once the whole process is stopping."""
        if self._stopped:
            return []
        return [*self._failed, *(said for loop in self._loops.values() if (said := self._problem(loop)))]

    def _problem(self, loop: _Loop) -> str | None:
        silent_s = self._clock() - loop.beat
        if loop.task is not None and loop.task.done():
            return f"the background loop '{loop.name}' has ended; restart the gateway, and please report its log"
        if silent_s > loop.pause_s + loop.patience_s:
            return f"the background loop '{loop.name}' has not moved for {silent_s:.0f} s; the log may say why"
        if loop.failing:
            return f"the background loop '{loop.name}' fails ({loop.failing}); the log says where"
        return None

    async def _run(self, loop: _Loop) -> None:
        while not self._stopped:
            loop.wake.clear()
            try:
                await loop.step()
                loop.failing = ""
            except asyncio.CancelledError:
                if self._stopped or _is_cancelled():
                    raise
                self._fault(loop, "something it waited for was cancelled")
            except Exception as e:
                self._fault(loop, type(e).__name__, e)
            loop.beat = self._clock()
            await self._pause(loop)

    @staticmethod
    async def _pause(loop: _Loop) -> None:
        if loop.failing:
            await asyncio.sleep(max(loop.pause_s, AFTER_FAULT_S))
        elif not loop.pause_s:
            await asyncio.sleep(0)  # the step waits by itself
        elif loop.pause_s < 1:
            await asyncio.sleep(loop.pause_s)  # no task to wait for a waking, ten times a second
        else:
            try:
                await asyncio.wait_for(loop.wake.wait(), loop.pause_s)
            except TimeoutError:
                return

    @staticmethod
    def _fault(loop: _Loop, words: str, error: Exception | None = None) -> None:
        loop.failing = words
        where = traceback.extract_tb(error.__traceback__)[-1:] if error else []
        which = f"{words} at {where[0].filename}:{where[0].lineno}" if where else words
        if which in loop.said or len(loop.said) >= FAULTS_LIMIT:
            return
        loop.said.add(which)
        log.error("the background loop '%s' failed (%s); it goes on", loop.name, words, exc_info=error)

    def _done(self, task: asyncio.Task[None]) -> None:
        name = self._works.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(f"'{name}' failed ({type(error).__name__}); restart the gateway. Its log says why")
            log.error("'%s' failed", name, exc_info=error)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
