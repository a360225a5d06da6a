"""The optional part that counts requests for GET /metrics, which is off where `metrics.enabled` says so."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from mitmproxy import http

from addons.app.jobs import Job
from addons.app.optional_part import Answering, OptionalPart
from addons.app.runtime import Running
from addons.config.version import version
from addons.exchange.exchange import Exchange
from addons.exchange.outcome import Outcome
from addons.ingress.gate import METRICS, Action
from addons.stream.port import State
from addons.usage.prices import Prices

if TYPE_CHECKING:
    from addons.telemetry.metrics import Metrics
    from addons.telemetry.page import Page
    from addons.telemetry.requests import RequestMeter
    from addons.telemetry.state import AccountNow, StateCollector

BEAT_S: Final = 0.25
OFF_S: Final = 2.0
AT_ONCE: Final = 50
"""Accounts that are looked at before the event loop has its turn."""


class MetricsPart(OptionalPart):
    """Counts what is over, and looks at what is when somebody scrapes. `underway` are the exchanges of the moment."""

    def __init__(
        self,
        underway: Collection[Exchange],
        draining: Callable[[], bool],
        problems: Callable[[], Sequence[str]],
        clock: Callable[[], float],
    ) -> None:
        self._underway, self._draining, self._problems, self._clock = underway, draining, problems, clock
        self._parts: Running | None = None
        self._metrics: Metrics | None = None
        self._meter: RequestMeter | None = None
        self._state: StateCollector | None = None
        self._page: Page | None = None
        self._on = False
        self._known: tuple[object, object, object] = (None, None, None)
        """What the names in force were made of."""

    def take_up(self, parts: Running) -> None:
        self._parts, self._on = parts, parts.config.sections.metrics.enabled
        if not self._on:
            return
        if self._metrics is None:
            self._begin()
        self._look_at_names()

    def _begin(self) -> None:
        """Imports what counts: only now, since it takes time and memory."""
        from addons.telemetry.metrics import Metrics
        from addons.telemetry.page import Page
        from addons.telemetry.requests import RequestMeter
        from addons.telemetry.state import StateCollector

        self._metrics = Metrics()
        self._meter = RequestMeter(self._metrics)
        self._state = StateCollector()
        self._metrics.registry.register(self._state)
        self._page = Page(self._metrics.registry, self._look)

    def _look_at_names(self) -> None:
        """Takes up the names in force where they are others than before; series of those that left go."""
        from addons.telemetry.known_names import KnownNames

        assert self._parts
        assert self._meter
        parts, known = self._parts, self._known
        index, rules, pool = parts.models(), parts.rules, parts.pool
        if index is known[0] and rules is known[1] and pool is known[2]:
            return
        self._known = (index, rules, pool)
        keys = rules.keys.names if rules.keys is not None else frozenset[str]()
        names = KnownNames(index, pool.by_key.keys(), parts.providers.keys(), keys)
        self._meter.take_up(names, Prices(parts.config.sections.prices, index).cost)

    # -- while requests come --------------------------------------------------------------------------------------
    async def ended(self, outcome: Outcome) -> None:
        if self._meter is not None and self._on:
            self._look_at_names()
            self._meter.count(outcome)

    def jobs(self) -> Sequence[Job]:
        return (Job("event loop lag", 0, self._beat),)

    async def _beat(self) -> None:
        if self._metrics is None or not self._on:
            await asyncio.sleep(OFF_S)
            return
        began = self._clock()
        await asyncio.sleep(BEAT_S)
        self._metrics.loop_lag.observe(max(0.0, self._clock() - began - BEAT_S))

    # -- when somebody scrapes ------------------------------------------------------------------------------------
    def answers(self) -> Mapping[Action, Answering]:
        return {METRICS: self._answer}

    async def _answer(self, accept: str) -> http.Response:
        assert self._page  # the gate lets nobody in else
        return await self._page.answer(accept)

    async def _look(self) -> None:
        """Puts down how everything is."""
        from addons.telemetry.state import Now

        assert self._parts
        assert self._state
        self._look_at_names()
        parts, cache = self._parts, self._parts.context.cache
        self._state.now = Now(
            version=version(),
            requests=len(self._underway),
            streams=sum(map(_streams, self._underway)),
            draining=self._draining(),
            problems=len(self._problems()),
            accounts=tuple(await self._accounts(parts)),
            cached_bytes=cache.size_bytes,
            cached_answers=cache.answers,
        )

    @staticmethod
    async def _accounts(parts: Running) -> "list[AccountNow]":
        from addons.accounts.report import report
        from addons.telemetry.state import AccountNow

        found, accounts, moment = [], parts.pool.all(), parts.context.moment()
        for at in range(0, len(accounts), AT_ONCE):
            if at:
                await asyncio.sleep(0)
            some = accounts[at : at + AT_ONCE]
            for account, line in zip(some, report(some, moment), strict=True):
                limiter, breakers = account.limiter, account.availability.breakers()
                found.append(AccountNow(*account.key, line.state, limiter.busy, limiter.waiting, breakers))
        return found


def _streams(exchange: Exchange) -> bool:
    """Whether a provider's answer is being passed on."""
    attempt = exchange.attempt
    return attempt is not None and attempt.begun and attempt.reader.state is State.OPEN
