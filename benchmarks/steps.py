"""A script beside the soak's gateway: how much CPU each single step of the event loop takes, by itself.

    mitmdump -s addons/gateway.py -s benchmarks/steps.py --set steps_file=FILE …

A step is what the loop runs without letting anybody else in: from one `await` of a task to the next, or one callback.
It is measured in the loop thread's own CPU time, so it says the same on a busy machine. Of what other threads do while
they keep the interpreter's lock only garbage collections are seen. Steps of the start do not count: no client is there
yet. SIGUSR2 has everything so far written to FILE, as JSON:

    steps        how many there were
    longest      the 20 longest over 10 ms, {"ms", "collecting_ms", "what", "at_s", "stack"}: `collecting_ms` of it were
                 garbage collection, `at_s` is since the start, `stack` where it was when it had taken SAMPLED_MS
    histogram    [{"below_ms", "steps", "ms"}], `ms` their sum; the last one has no bound (null)
    collections  by generation, {"times", "longest_ms", "ms"}; those that other threads set off too: they hold everybody
"""

import asyncio
import gc
import heapq
import json
import os
import signal
import sys
import threading
import time
import traceback
from asyncio import events
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader

BOUNDS_MS: Final = (1, 5, 10, 25, 50, 75, 100, 250)
LONG_MS: Final = 10
SAMPLED_MS: Final = 40
SAMPLE_EVERY_S: Final = 0.02
LISTED: Final = 20
FRAMES: Final = 16


class Steps:
    """`cpu` is the loop thread's CPU time, `thread_cpu` that of the thread that asks, `clock` monotonic; in seconds."""

    def __init__(self, cpu: Callable[[], float], thread_cpu: Callable[[], float], clock: Callable[[], float]) -> None:
        self._cpu, self._thread_cpu, self._clock = cpu, thread_cpu, clock
        self._started = clock()
        self._counts = [0] * (len(BOUNDS_MS) + 1)
        self._sums = [0.0] * (len(BOUNDS_MS) + 1)
        self._longest: list[tuple[float, int, dict[str, Any]]] = []
        self._collections = [{"times": 0, "longest_ms": 0.0, "ms": 0.0} for _ in range(3)]
        self._collecting = 0.0
        """What collections have taken of the loop thread's CPU."""
        self._collected_at = (0.0, 0.0)
        self.under_way: float | None = None
        """When the step that runs now began, in CPU time."""
        self.stack = ""
        """Where the step that runs now was found, if it was looked at."""

    def run(self, handle: Any, step: Callable[[Any], None]) -> None:
        """Does `step(handle)`, measured."""
        self.stack, collected = "", self._collecting
        began = self.under_way = self._cpu()
        try:
            step(handle)
        finally:
            self.under_way = None
            ms = (self._cpu() - began) * 1000
            at = bisect_right(BOUNDS_MS, ms)
            self._counts[at] += 1
            self._sums[at] += ms
            if ms >= LONG_MS:
                self._note(ms, (self._collecting - collected) * 1000, named(handle))

    def _note(self, ms: float, collecting_ms: float, what: str) -> None:
        told = {
            "ms": round(ms, 1),
            "collecting_ms": round(collecting_ms, 1),
            "what": what,
            "at_s": round(self._clock() - self._started, 1),
            "stack": self.stack,
        }
        heapq.heappush(self._longest, (ms, sum(self._counts), told))
        if len(self._longest) > LISTED:
            heapq.heappop(self._longest)

    def collection(self, phase: str, info: dict[str, int]) -> None:
        """For `gc.callbacks`."""
        if phase == "start":
            self._collected_at = (self._cpu(), self._thread_cpu())
            return
        self._collecting += self._cpu() - self._collected_at[0]
        took = self._thread_cpu() - self._collected_at[1]
        kind = self._collections[info["generation"]]
        kind["times"] += 1
        kind["ms"] += took * 1000
        kind["longest_ms"] = max(kind["longest_ms"], took * 1000)

    def told(self) -> dict[str, Any]:
        """Everything so far."""
        bounds = [*BOUNDS_MS, None]
        return {
            "steps": sum(self._counts),
            "longest": [told for _, _, told in sorted(self._longest, reverse=True)],
            "histogram": [
                {"below_ms": below, "steps": count, "ms": round(ms)}
                for below, count, ms in zip(bounds, self._counts, self._sums, strict=True)
            ],
            "collections": [{name: round(value, 1) for name, value in kind.items()} for kind in self._collections],
        }


def named(handle: Any) -> str:
    """What a handle of the event loop does: the coroutine of its task, or its function."""
    callback = handle._callback
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        coroutine: Any = owner.get_coro()
        return str(getattr(coroutine, "__qualname__", coroutine))
    return str(getattr(callback, "__qualname__", callback))


def where(frame: FrameType | None) -> str:
    """The innermost frames, the innermost last."""
    found = traceback.extract_stack(frame)[-FRAMES:]
    return " > ".join(f"{os.path.basename(one.filename)}:{one.lineno}:{one.name}" for one in found)


class Measuring:
    """The script that mitmproxy loads."""

    def load(self, loader: Loader) -> None:
        loader.add_option("steps_file", str, "", "Where the steps of the event loop are told on SIGUSR2.")

    def running(self) -> None:
        loop_thread = threading.get_ident()
        clock_id = time.pthread_getcpuclockid(loop_thread)
        steps = Steps(lambda: time.clock_gettime(clock_id), time.thread_time, time.monotonic)
        plain: Callable[[Any], None] = events.Handle._run
        # The loop looks it up at every step; the step that runs now is the start itself and stays unmeasured.
        events.Handle._run = lambda handle: steps.run(handle, plain)  # type: ignore[method-assign, assignment]
        gc.callbacks.append(steps.collection)
        threading.Thread(target=_look, args=(steps, loop_thread, clock_id), daemon=True).start()
        target = Path(ctx.options.steps_file)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, lambda: _write(target, steps.told()))


def _look(steps: Steps, loop_thread: int, clock_id: int) -> None:
    """In a thread of its own: takes down where the loop is when one step has taken long already."""
    while True:
        time.sleep(SAMPLE_EVERY_S)
        began = steps.under_way
        if began is None or steps.stack or (time.clock_gettime(clock_id) - began) * 1000 < SAMPLED_MS:
            continue
        found = where(sys._current_frames().get(loop_thread))
        if steps.under_way == began:
            steps.stack = found


def _write(target: Path, told: dict[str, Any]) -> None:
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(told, indent=1), encoding="utf-8")
    fresh.replace(target)


addons = [Measuring()]
