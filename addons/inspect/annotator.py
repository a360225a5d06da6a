"""Writes what happened onto flows, and shows parts as flows of their own where somebody may look at them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from mitmproxy import http

from addons.cleaning.cleaner import Cleaner
from addons.errors import GatewayError
from addons.exchange.attempt import Attempt
from addons.exchange.exchange import CURRENT, Exchange
from addons.exchange.outcome import Outcome
from addons.inspect.annotation import Annotation
from addons.inspect.attempt_flows import earlier_attempt, step_flow
from addons.inspect.flow_places import FlowPlaces
from addons.inspect.kept import keep_cleaned
from addons.inspect.live import Live
from addons.inspect.summary import marker, told
from addons.transport.places import places_of
from addons.transport.sealing import Owner
from addons.transport.step_runner import Carried

type Show = Callable[[http.HTTPFlow], Awaitable[None]]
"""Hands a finished flow to mitmproxy's own addons (the view, a file that is saved)."""


@dataclass(slots=True)
class Annotator:
    """`looked_at` tells whether anybody can see flows: without a view or a file, parts are not even made."""

    show: Show
    looked_at: Callable[[], bool]
    keep: Callable[[http.HTTPFlow], None]
    """Takes a preparing call for the archive."""
    places: FlowPlaces
    live: Live | None = None
    """Where there is a list of flows to be looked at."""
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def begins(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """A request for a provider is here."""
        if self.live is not None:
            self.live.begin(flow, exchange)

    async def planned(self, flow: http.HTTPFlow) -> None:
        """What is to be sent to the provider stands in the flow, or the final answer does."""
        if self.live is not None:
            await self.live.planned(flow)

    async def conclude(self, flow: http.HTTPFlow, exchange: Exchange, line: Outcome) -> None:
        """The flow's own annotation, comment and body, at the end of the request."""
        held_ms = self.live.over(flow) if self.live is not None else 0
        last = exchange.attempt_loop.last if exchange.attempt_loop else None
        note = self._note(exchange, last, line, call="" if last else _call(flow))
        if not self.looked_at():  # then nobody will ever read the texts
            note = replace(note, client_request="", delivered="")
        note = replace(note, held_ms=held_ms)
        answered = last is not None and last.response is not None and flow.response is last.response
        context = exchange.context
        # How it ended is told at once: to clean long texts takes a while, and should that fail nothing runs for ever.
        _tell(flow, replace(note, client_request="", delivered="", model=context.cleaner.text(note.model)))
        note = await keep_cleaned(flow, note, last, context.cleaner, context.limits.record_bytes, answered=answered)
        self._put_places(flow, last)
        _tell(flow, note)

    def _put_places(self, flow: http.HTTPFlow, attempt: Attempt | None) -> None:
        if attempt is not None:
            plan = attempt.plan
            self.places.put_on(flow, Owner(plan.provider.name, plan.session.account), plan.places)

    @staticmethod
    def local(flow: http.HTTPFlow, request_id: str, error: GatewayError | None = None) -> None:
        """The annotation and comment of what the gateway answered itself."""
        note = Annotation(
            request_id=request_id,
            part="local",
            call=_call(flow),
            outcome="refused" if error else "ok",
            error=f"{error.status} {error.code}: {error.message}" if error else "",
        )
        _tell(flow, note)

    async def earlier(self, flow: http.HTTPFlow, exchange: Exchange, failed: Attempt) -> http.HTTPFlow | None:
        """The failed attempt as a flow of its own, not shown yet; None when nobody looks."""
        if not self.looked_at():
            return None
        if self.live is not None:
            self.live.attempt_over(flow)
        error, took_ms = failed.report.error, round(failed.took_s * 1000)
        line = exchange.summary(client_left=False)
        note = self._note(exchange, failed, line, outcome="failed", error=error.message if error else "")
        note = replace(note, took_ms=took_ms)
        copy = earlier_attempt(flow, replace(note, delivered="", client_request=""))
        self._put_in_line(copy, exchange.id)
        self._put_places(copy, failed)
        answered = failed.response is not None and flow.response is failed.response
        note, context = replace(note, followed=True), exchange.context
        note = await keep_cleaned(copy, note, failed, context.cleaner, context.limits.record_bytes, answered=answered)
        note.put_on(copy)
        return copy

    def step(self, step: Carried, cleaner: Cleaner) -> None:
        """A preparing call, sign-in, renewal, chat made or deleted."""
        if not self.looked_at():
            return
        request_id = CURRENT.get() or "-"
        flow = step_flow(step, request_id, cleaner)
        self._put_in_line(flow, request_id)
        self.places.put_on(flow, step.owner, places_of(step.call))
        self.present(flow)
        self.keep(flow)

    def _put_in_line(self, part: http.HTTPFlow, request_id: str) -> None:
        """In the list it stands before the flow of its request, in the order in which things happened."""
        if self.live is not None and (place := self.live.place(request_id)) is not None:
            part.timestamp_created = place

    def present(self, flow: http.HTTPFlow) -> None:
        """Shows a flow, soon."""
        task = asyncio.ensure_future(self._present(flow))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _present(self, flow: http.HTTPFlow) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self.show(flow)

    @staticmethod
    def _note(
        exchange: Exchange,
        attempt: Attempt | None,
        line: Outcome,
        *,
        call: str = "",
        outcome: str = "",
        error: str = "",
    ) -> Annotation:
        report = attempt.report if attempt else None
        return Annotation(
            request_id=exchange.id,
            part="attempt" if attempt else "local",
            provider=line.provider or "",
            account=line.account or "",
            model=line.model or "",
            attempt=line.attempts,
            most=exchange.context.limits.max_attempts,
            call=call,
            outcome=outcome or line.outcome,
            error=error or _reason(exchange, attempt) or line.error_code or "",
            first_token_ms=line.first_token_ms,
            total_ms=line.total_ms,
            prompt_tokens=line.prompt_tokens,
            completion_tokens=line.completion_tokens,
            stream=bool(attempt and attempt.streaming),
            dialect=exchange.dialect.name,
            client_request=exchange.client_request,
            delivered=attempt.delivered.decode("utf-8", "replace") if attempt else "",
            arrivals=tuple(report.arrivals) if report else (),
            deliveries=report.deliveries if report else (),
            cut=bool(report and report.cut),
        )


def _tell(flow: http.HTTPFlow, note: Annotation) -> None:
    note.put_on(flow)
    flow.comment, flow.marked = told(note), marker(note)


def _call(flow: http.HTTPFlow) -> str:
    return f"{flow.request.method} {flow.request.path.partition('?')[0][:100]}"


def _reason(exchange: Exchange, attempt: Attempt | None) -> str:
    """Why it failed, in words: the final error's, or those of an answer that broke off."""
    if exchange.error is not None:
        return exchange.error.message
    return attempt.report.error.message if attempt and attempt.report.error else ""
