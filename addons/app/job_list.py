"""The jobs of a running gateway: what goes on beside the requests.

Each is a loop of its own: a site that is slow to renew a session keeps no changed configuration waiting.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mitmproxy.addons.view import View

from addons.app.control_desk import LOOK_S, ControlDesk
from addons.app.jobs import Job
from addons.app.live_models import LiveModels
from addons.app.loop_watch import LoopWatch
from addons.app.reload import Reload
from addons.app.runtime import Running
from addons.inspect.live import REFRESH_S, Live
from addons.mitm.retention import trim
from addons.stream.sweeper import SWEEP_S, Sweeper
from addons.upstream.pool import UpstreamPool

MODELS_EVERY_S: Final = 3600.0
TEND_EVERY_S: Final = 2.0
SITES_PATIENCE_S: Final = 900.0
"""For a run that asks sites: each account may take its time, and another process may hold its lock."""
CONFIGURATION: Final = "configuration"
"""The name of the job that a signal wakes."""


@dataclass(frozen=True, slots=True)
class JobList:
    """Makes the jobs. `parts` gives the running parts of the moment.

    `view` is the inspector's list, where there is one, and `live` shows what runs in it. `learnt` is called when the
    sites were asked for their models.
    """

    parts: Callable[[], Running]
    sweeper: Sweeper
    upstream: UpstreamPool
    reload: Reload
    desk: ControlDesk
    view: View | None
    live: Live | None
    learnt: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic

    def jobs(self) -> tuple[Job, ...]:
        found = [
            Job("timers", SWEEP_S, self.sweeper.sweep),
            Job("connections to providers", SWEEP_S, self._sweep_upstream),
            Job("event loop watch", 0, LoopWatch(self.clock, time.thread_time).step),
            Job(CONFIGURATION, TEND_EVERY_S, self.reload.look),
            Job("questions of commands", LOOK_S, self.desk.look),
            Job("models", MODELS_EVERY_S, LiveModels(self.parts, self.learnt).learn, SITES_PATIENCE_S),
            Job("sessions", TEND_EVERY_S, self._tend, SITES_PATIENCE_S),
            Job("pruning", TEND_EVERY_S, self._prune),
            Job("records", TEND_EVERY_S, self._write_states),
            Job("kept items", TEND_EVERY_S, self._save_kept),
            Job("recording", TEND_EVERY_S, self._look_at_recording),
        ]
        if self.view is not None:
            found.append(Job("inspector's list", TEND_EVERY_S, self._trim))
        if self.live is not None:
            found.append(Job("running flows", REFRESH_S, self.live.refresh))
        return tuple(found)

    async def _sweep_upstream(self) -> None:
        """Closes connections to providers that have been idle for too long."""
        self.upstream.sweep()

    async def _tend(self) -> None:
        """Applies resets of accounts, and renews idle sessions."""
        await self.parts().pool.tend()

    async def _prune(self) -> None:
        """Removes sessions that have ended for good, where a person wants that."""
        parts = self.parts()
        if parts.config.sections.sessions.prune_expired:
            await parts.pool.prune(parts.context.moment())

    async def _write_states(self) -> None:
        """Writes down how the accounts are."""
        await self.parts().pool.save()

    async def _save_kept(self) -> None:
        """Writes down what is kept for clients, and forgets what is old."""
        await self.parts().mirror.save()

    async def _look_at_recording(self) -> None:
        """Applies the switch of recording, and writes down what adapters did not know."""
        archive = self.parts().archive
        archive.apply_switch()
        archive.drift.apply_clearing()
        await asyncio.to_thread(archive.drift.write, archive.drift.unsaved())

    async def _trim(self) -> None:
        kept = self.parts().config.sections.inspect
        if self.view is not None:
            trim(self.view, kept.max_flows, kept.max_mb)
