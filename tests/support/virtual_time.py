"""An event loop whose clock jumps to the next timer: tests of waiting take no time and are exact."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands still while there is work and jumps ahead when there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 0.0

    def time(self) -> float:
        return self._virtual_s

    def _run_once(self) -> None:
        timers = [timer.when() for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        if not self._ready and timers:  # type: ignore[attr-defined]
            self._virtual_s = max(self._virtual_s, min(timers))
        super()._run_once()  # type: ignore[misc]


def run_virtual[T](work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on a loop of that kind."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
