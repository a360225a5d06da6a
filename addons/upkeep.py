"""What goes on beside the requests: sweeping, learning models, renewing, trimming the inspector's list."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from mitmproxy.addons.view import View

from addons.inspect.retention import trim
from addons.loop_watch import LoopWatch
from addons.reload import Reload
from addons.setup import Running
from addons.sweeper import Sweeper

MODELS_EVERY_S: Final = 3600.0
TEND_EVERY_S: Final = 2.0


class Upkeep:
    """`parts` gives the running parts of the moment; `view` is the inspector's list, where there is one."""

    def __init__(self, parts: Callable[[], Running], sweeper: Sweeper, reload: Reload, view: View | None) -> None:
        self._parts = parts
        self._sweeper = sweeper
        self._reload = reload
        self._view = view
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.also(self._sweeper.run(), "sweeper")
        self.also(LoopWatch(time.monotonic).run(), "loop watch")
        self.also(self._learn_models(), "models")
        self.also(self._tend(), "sessions")

    def also(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"glassgate {name}"))

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _learn_models(self) -> None:
        while True:
            await self._parts().learn_models()
            await asyncio.sleep(MODELS_EVERY_S)

    async def _tend(self) -> None:
        while True:
            self._reload.look()
            await self._parts().tend()
            kept = self._parts().config.sections.inspect
            if self._view is not None:
                trim(self._view, kept.max_flows, kept.max_mb)
            await asyncio.sleep(TEND_EVERY_S)
