"""The part that keeps the ledger of requests (addons/usage/): on unless config.yaml turns it off."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from addons.app.jobs import Job
from addons.app.optional_part import OptionalPart
from addons.app.runtime import Running
from addons.exchange.outcome import Outcome
from addons.usage.place import place_of
from addons.usage.retention import DAY_S, Retention, SteadyClock
from addons.usage.row import belongs, row_of
from addons.usage.writer import LedgerWriter

RETENTION_EVERY_S: Final = 3600.0
LOAD_PATIENCE_S: Final = 5.0
"""How long the start waits for what writes; it goes on by itself."""
END_PATIENCE_S: Final = 5.0
"""How long the end waits for a database that cannot be written."""


class Ledger(OptionalPart):
    """Hands what requests leave to the thread that writes. `now` gives Unix seconds, `clock` is monotonic."""

    def __init__(self, now: Callable[[], float], clock: Callable[[], float]) -> None:
        self._now, self._clock = now, clock
        self._steady = SteadyClock()
        self._parts: Running | None = None
        self._writer: LedgerWriter | None = None
        self._former: list[LedgerWriter] = []
        """Those of places that config.yaml named before: they write what they have."""

    def take_up(self, parts: Running) -> None:
        starts, self._parts = self._parts is None, parts
        wanted = place_of(parts.config) if parts.config.sections.usage.enabled else None
        if self._writer is not None and self._writer.place != wanted:
            self._writer.finish(END_PATIENCE_S)
            self._former.append(self._writer)
            self._writer = None
        if wanted is not None and self._writer is None:
            self._writer = LedgerWriter(wanted)
            self._writer.start()
            if starts:  # nobody is served yet: the first requests neither wait for it nor are measured with it
                self._writer.wait_until_loaded(LOAD_PATIENCE_S)

    async def ended(self, outcome: Outcome) -> None:
        parts, writer = self._parts, self._writer
        if parts is not None and writer is not None and belongs(outcome):
            writer.put(row_of(outcome, parts.prices(), self._now(), parts.cleaner.log))

    def jobs(self) -> Sequence[Job]:
        return (Job("usage retention", RETENTION_EVERY_S, self._forget_old),)

    async def _forget_old(self) -> None:
        now = self._now()
        steady_s = self._steady.steady_s(now, self._clock())
        if self._parts is not None and self._writer is not None:
            keep_s = self._parts.config.sections.usage.days * DAY_S
            self._writer.prune(Retention(now, keep_s, steady=steady_s >= min(DAY_S, keep_s)))

    def problems(self) -> Sequence[str]:
        problem = self._writer.problem() if self._writer is not None else None
        return () if problem is None else (problem,)

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.finish(END_PATIENCE_S)
            self._former.append(self._writer)
            self._writer = None
        for writer in self._former:
            await asyncio.to_thread(writer.join)
