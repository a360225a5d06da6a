"""Background jobs: a run that is done again and again, each in a loop of its own. No fault ends one in silence.

What a run raises is logged (with its traceback, once for each distinct fault) and the job goes on. When each job ran
last is kept; `problems` says which one has stopped or fails.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

log = logging.getLogger("glassgate")

PATIENCE_S: Final = 30.0
"""A job whose run has not ended for so long longer than its pause has stopped, or hangs."""
AFTER_FAULT_S: Final = 1.0
"""A run that failed is not done again before, however short the job's pause is."""
FAULTS_LIMIT: Final = 100
"""Distinct faults remembered for one job."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done again and again, with a pause of `every_s` between; a run may take up to `patience_s`."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[None]]
    patience_s: float = PATIENCE_S


@dataclass(slots=True)
class _Loop:
    """A job that is under way."""

    job: Job
    ran_at: float
    """When its last run ended, by the clock."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    said: set[str] = field(default_factory=set)
    """Faults that the log has already."""
    failing: str = ""
    """What the last run raised, if it did."""
    task: asyncio.Task[None] | None = None


class Jobs:
    """Runs jobs. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._loops: dict[str, _Loop] = {}
        self._works: dict[asyncio.Task[None], str] = {}
        self._failed: list[str] = []
        self._stopped = False

    def start(self, job: Job) -> None:
        """Runs the job from now on."""
        loop = self._loops[job.name] = _Loop(job, self._clock())
        loop.task = asyncio.create_task(self._run(loop), name=f"glassgate {job.name}")

    def once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Runs a piece of work that the process cannot do without; `problems` tells of its failure."""
        task = asyncio.create_task(work, name=f"glassgate {name}")
        self._works[task] = name
        task.add_done_callback(self._done)

    def wake(self, name: str) -> None:
        """Makes a job run now, without the rest of its pause."""
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
        silent_s = self._clock() - loop.ran_at
        if loop.task is not None and loop.task.done():
            return f"the background loop '{loop.job.name}' has ended; restart the gateway, and please report its log"
        if silent_s > loop.job.every_s + loop.job.patience_s:
            return f"the background loop '{loop.job.name}' has not moved for {silent_s:.0f} s; the log may say why"
        if loop.failing:
            return f"the background loop '{loop.job.name}' fails ({loop.failing}); the log says where"
        return None

    async def _run(self, loop: _Loop) -> None:
        while not self._stopped:
            loop.wake.clear()
            try:
                await loop.job.run()
                loop.failing = ""
            except asyncio.CancelledError:
                if self._stopped or _is_cancelled():
                    raise
                self._fault(loop, "something it waited for was cancelled")
            except Exception as e:
                self._fault(loop, type(e).__name__, e)
            loop.ran_at = self._clock()
            await self._pause(loop)

    @staticmethod
    async def _pause(loop: _Loop) -> None:
        if loop.failing:
            await asyncio.sleep(max(loop.job.every_s, AFTER_FAULT_S))
        elif not loop.job.every_s:
            await asyncio.sleep(0)  # the run waits by itself
        elif loop.job.every_s < 1:
            await asyncio.sleep(loop.job.every_s)  # no task to wait for a waking, ten times a second
        else:
            try:
                await asyncio.wait_for(loop.wake.wait(), loop.job.every_s)
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
        log.error("the background loop '%s' failed (%s); it goes on", loop.job.name, words, exc_info=error)

    def _done(self, task: asyncio.Task[None]) -> None:
        name = self._works.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(f"'{name}' failed ({type(error).__name__}); restart the gateway. Its log says why")
            log.error("'%s' failed", name, exc_info=error)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
