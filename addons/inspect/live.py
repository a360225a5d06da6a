"""Running flows: their summary from the first moment, and what has arrived of them so far.

Annotation and summary are written when a request moves on, a few times in its life: at once while somebody looks at
the list, else when somebody comes. What arrives is looked at by one loop, four times a second, and only while somebody
looks: an event costs nothing more than without an inspector. All that is put on a flow is cleaned first, as at its end;
what the provider is sent is not touched by that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from heapq import nsmallest
from typing import Final

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.addons.view import View

from addons.exchange.outcome import ExchangeInfo
from addons.inspect.running import Running

log = logging.getLogger("glassgate")

REFRESH_S: Final = 0.25
"""Between two looks: so often, at most, a flow changes for who looks at it."""
AT_ONCE: Final = 25
"""Flows in one look; those that have waited longest."""
PARTS_LIMIT: Final = 200
_PART_S: Final = 5e-7
"""Parts of a request are so far from each other in the list: more than the 2.4e-7 s that Unix time is exact to as a
float, and all together no longer than another request takes to come between."""


class Live:
    """The running flows. `looked_at`: does anybody look now? `changed` is given changed flows. `clock` is the
    attempts'."""

    def __init__(
        self,
        clock: Callable[[], float],
        view: View,
        looked_at: Callable[[], bool],
        changed: Callable[[Sequence[mflow.Flow]], Awaitable[None]],
    ) -> None:
        self.looked_at = looked_at
        self._clock = clock
        self._view = view
        self._changed = changed
        self._running: dict[str, Running] = {}
        self._of_request: dict[str, Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    # -- the life of a flow ---------------------------------------------------------------------------------------
    def begin(self, info: ExchangeInfo) -> None:
        """Starts showing a request; it is here whole."""
        one, exchange = Running(info.flow, info.progress, info, self.looked_at), info.progress
        self._running[info.flow.id] = self._of_request[info.id] = one
        exchange.watch(moved := partial(self._safely, one, one.move_on))
        moved()

    async def planned(self, flow: http.HTTPFlow) -> None:
        """Shows the attempt in the flow, about to be sent or to be stopped by a person."""
        if (one := self._running.get(flow.id)) is not None and one.exchange.attempt is not None:
            self._safely(one, one.follow)
            try:
                await one.clean_request(one.exchange.attempt)
            except Exception:
                self._give_up(one)
            self._safely(one, one.move_on)

    def shown(self, flow: mflow.Flow) -> None:
        """Notes that a flow is shown: it may have been stopped."""
        one = self._running.get(flow.id)
        if one is not None and flow.intercepted and one.held_since is None:
            one.held_since = self._clock()
            self._safely(one, one.write_annotation)

    def bring_up_to_date(self, flow: mflow.Flow) -> None:
        """Writes what stood still while nobody looked: somebody is about to read the flow."""
        one = self._running.get(flow.id)
        if one is not None and one.stands_still:
            self._safely(one, one.write_annotation)

    def attempt_ended(self, flow: http.HTTPFlow) -> None:
        """Takes off the flow what was shown of an attempt: its last form comes now."""
        if (one := self._running.get(flow.id)) is not None:
            self._safely(one, one.leave_attempt)

    def ended(self, flow: http.HTTPFlow) -> int:
        """Stops showing a request that has ended; returns for how many milliseconds a person held it."""
        one = self._running.get(flow.id)
        if one is None:
            return 0
        self._running.pop(flow.id)
        self._of_request.pop(one.info.id, None)
        self._safely(one, one.end)
        one.restore()
        return round(one.held_s * 1000)

    def place(self, request_id: str) -> float | None:
        """The `timestamp_created`, by which lists are ordered, of a new part of a request: before the request's own
        flow, behind the parts that stand there."""
        one = self._of_request.get(request_id)
        if one is None:
            return None
        one.parts = min(one.parts + 1, PARTS_LIMIT - 1)
        return one.flow.timestamp_created - (PARTS_LIMIT - one.parts) * _PART_S

    # -- the loop -------------------------------------------------------------------------------------------------
    async def refresh(self) -> None:
        """Brings the running flows up to date, every REFRESH_S. One that cannot be shown is left alone; its end will
        be."""
        if not self._running or not self.looked_at():
            return
        now = self._clock()
        due = [one for one in self._running.values() if now - one.refreshed >= one.pause_s and self._may_be_shown(one)]
        problem: Exception | None = None
        for one in nsmallest(AT_ONCE, due, key=lambda one: one.refreshed):
            one.refreshed = now
            try:
                changed = not one.ended and await one.refresh()
            except Exception as e:
                one.lost, problem = True, e
                continue
            if changed:
                await self._changed([one.flow])
            await asyncio.sleep(0)  # all of them together would keep everybody waiting
        if problem is not None:
            raise problem

    # -- faults ---------------------------------------------------------------------------------------------------
    def _safely(self, one: "Running", work: Callable[[], None]) -> None:
        """Runs `work` for the display in the midst of a request: a fault there is none of the request's."""
        if one.lost:
            return
        try:
            work()
        except Exception:
            self._give_up(one)

    @staticmethod
    def _give_up(one: "Running") -> None:
        """It is shown again at its end."""
        if not one.lost:
            one.lost = True
            log.exception("request %s is not shown while it runs: a fault of the gateway", one.info.id)

    def _may_be_shown(self, one: "Running") -> bool:
        return not one.lost and self._in_list(one)

    def _in_list(self, one: "Running") -> bool:
        """Somebody may have thrown the flow out of the list, or have put a file's flows in the place of all."""
        return self._view.get_by_id(one.flow.id) is one.flow
