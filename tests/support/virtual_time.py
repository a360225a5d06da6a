"""An event loop whose clock jumps to the next timer: tests of waiting take no time and are exact."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands still while there is work and jumps ahead when there is none.

    What others do in a thread is done at once: time would run away from a thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 0.0

    def time(self) -> float:
        return self._virtual_s

    def _run_once(self) -> None:
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # a heap
        if timers and not self._ready:  # type: ignore[attr-defined]
            left = timers[:1] if not timers[0].cancelled() else [timer for timer in timers if not timer.cancelled()]
            if left:
                self._virtual_s = max(self._virtual_s, min(left).when())
        super()._run_once()  # type: ignore[misc]

    def run_in_executor[T](  # type: ignore[override]  # as typeshed has it, but for the type of variable arguments
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as e:
            future.set_exception(e)
        return future


def run_virtual[T](work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on a loop of that kind."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def in_virtual_time[**P](test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that is a coroutine, run so."""

    @functools.wraps(test)
    def run(*args: P.args, **given: P.kwargs) -> None:
        run_virtual(test(*args, **given))

    return run


async def settle() -> None:
    """All that can happen without time passing has happened."""
    await asyncio.sleep(1e-6)
