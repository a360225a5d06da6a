"""What goes on beside the requests: sweeping, learning models, renewing, writing down, trimming the inspector's list.

Each is a loop of its own: a site that is slow to renew a session keeps no changed configuration waiting.
"""

import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from mitmproxy.addons.view import View

from addons.app.heartbeat import Heartbeat
from addons.app.loop_watch import LoopWatch
from addons.app.reload import Reload
from addons.app.runtime import Running
from addons.inspect.live import LOOK_S, Live
from addons.mitm.retention import trim
from addons.stream.sweeper import SWEEP_S, Sweeper

MODELS_EVERY_S: Final = 3600.0
TEND_EVERY_S: Final = 2.0
SITES_PATIENCE_S: Final = 900.0
"""For a step that asks sites: each account may take its time, and another process may hold its lock."""
CONFIGURATION: Final = "configuration"


class Upkeep:
    """`parts` gives the running parts of the moment; `view` is the inspector's list, where there is one, and `live`
    what runs in it.

    `learnt` is called when the sites were asked for their models.
    """

    def __init__(
        self,
        parts: Callable[[], Running],
        sweeper: Sweeper,
        reload: Reload,
        view: View | None,
        live: Live | None,
        learnt: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = parts
        self._sweeper = sweeper
        self._reload = reload
        self._view = view
        self._live = live
        self._learnt = learnt
        self._clock = clock
        self._heart = Heartbeat(clock)

    def start(self) -> None:
        keep = self._heart.keep
        keep("timers", self._sweeper.sweep, SWEEP_S)
        keep("event loop watch", LoopWatch(self._clock, time.thread_time).step, 0)
        keep(CONFIGURATION, self._reload.look, TEND_EVERY_S)
        keep("models", self._learn_models, MODELS_EVERY_S, SITES_PATIENCE_S)
        keep("sessions", lambda: self._parts().tend(), TEND_EVERY_S, SITES_PATIENCE_S)
        keep("records", lambda: self._parts().write_down(), TEND_EVERY_S)
        if self._view is not None:
            keep("inspector's list", self._trim, TEND_EVERY_S)
        if self._live is not None:
            keep("running flows", self._live.look, LOOK_S)

    def once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Work that the process cannot do without."""
        self._heart.once(name, work)

    def look_now(self) -> None:
        """Somebody asks for the configuration to be looked at."""
        self._reload.ask()
        self._heart.wake(CONFIGURATION)

    def problems(self) -> list[str]:
        """Which of all that has stopped, if something has."""
        return self._heart.problems()

    def stop(self) -> None:
        self._heart.stop()

    async def _learn_models(self) -> None:
        await self._parts().learn_models()
        self._learnt()

    async def _trim(self) -> None:
        kept = self._parts().config.sections.inspect
        if self._view is not None:
            trim(self._view, kept.max_flows, kept.max_mb)
