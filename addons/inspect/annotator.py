"""The annotator: writes annotations and summaries onto flows, and shows attempts and steps as flows of their own."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mitmproxy import http

from addons.cleaning.cleaner import Cleaner
from addons.exchange.attempt import Attempt
from addons.exchange.context import Limits
from addons.exchange.exchange import CURRENT
from addons.exchange.observer import Observer
from addons.exchange.outcome import AttemptRecord, ExchangeInfo, Outcome
from addons.inspect.annotation import Annotation
from addons.inspect.attempt_flows import end_as_attempt, own_flow, step_flow
from addons.inspect.flow_places import FlowPlaces
from addons.inspect.kept import keep_cleaned
from addons.inspect.live import Live
from addons.inspect.sessions import SessionTurns, session_of
from addons.inspect.summary import marker, summary_line
from addons.transport.places import places_of
from addons.transport.step_runner import CallRecord
from providers.contract.price import Money, dollars_of

type Show = Callable[[http.HTTPFlow], Awaitable[None]]
"""Hands a finished flow to mitmproxy's own addons (the view, a file that is saved)."""


@dataclass(slots=True)
class Annotator(Observer):
    """The observer that annotates flows. `looked_at`: can anybody see flows? Else parts are not even made."""

    show: Show
    looked_at: Callable[[], bool]
    keep: Callable[[http.HTTPFlow], None]
    """Takes a preparing call for the archive."""
    places: FlowPlaces
    cleaner: Callable[[], Cleaner]
    limits: Callable[[], Limits]
    """Those in force."""
    cost: Callable[[Sequence[AttemptRecord]], Money | None] = lambda records: None
    """What attempts cost together, where prices are known."""
    live: Live | None = None
    """Where there is a list of flows to be looked at."""
    _turns: SessionTurns = field(default_factory=SessionTurns)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    # -- a request under way --------------------------------------------------------------------------------------
    async def begun(self, info: ExchangeInfo) -> None:
        if self.live is not None:
            self.live.begin(info)

    async def planned(self, flow: http.HTTPFlow) -> None:
        """Shows the attempt about to be sent, or the final answer, which the flow holds now."""
        if self.live is not None:
            await self.live.planned(flow)

    def split_off(self, flow: http.HTTPFlow, request_id: str) -> http.HTTPFlow | None:
        """A copy of the flow as it stands when an attempt has failed, not shown yet; None when nobody looks."""
        if not self.looked_at():
            return None
        if self.live is not None:
            self.live.attempt_ended(flow)
        copy = own_flow(flow)
        self._put_in_line(copy, request_id)
        return copy

    # -- what is over ---------------------------------------------------------------------------------------------
    async def attempted(self, record: AttemptRecord) -> None:
        """Annotates and shows an attempt that another followed; the last one has the request's flow."""
        if (flow := record.flow) is None or (attempt := record.attempt) is None:
            return
        annotation = self._attempt_annotation(record)
        end_as_attempt(flow, annotation)
        self._put_places(flow, attempt)
        answered = flow.response is not None and attempt.response is not None
        delivered = record.delivered.decode("utf-8", "replace")
        annotation = replace(
            annotation, delivered=delivered, client_request=record.client_body.decode("utf-8", "replace")
        )
        annotation = await keep_cleaned(
            flow, annotation, attempt, attempt.cleaner, self.limits().record_bytes, answered=answered
        )
        annotation.put_on(flow)
        self.present(flow)

    async def ended(self, outcome: Outcome) -> None:
        """Writes the flow's own annotation, comment and body, at the end of the request."""
        if (flow := outcome.flow) is None:
            return
        if not outcome.dialect:
            _write(flow, _local_annotation(flow, outcome))
            return
        live, last = self.live, outcome.last
        attempt = last.attempt if last is not None else None
        cleaner, limits = self.cleaner(), self.limits()
        held_ms = live.ended(flow) if live is not None else 0
        annotation = _request_annotation(flow, outcome, attempt, held_ms=held_ms, most=limits.max_attempts)
        if live is not None and live.looked_at():  # how it ended is shown at once: to clean long texts takes a while
            _write(flow, replace(annotation, model=cleaner.text(annotation.model)))
        bare, looked_at = annotation, self.looked_at()
        if looked_at:  # else nobody will ever read the texts, or send the flow again
            delivered = outcome.delivered[: limits.record_bytes].decode("utf-8", "replace")
            annotation = replace(annotation, delivered=delivered)
        if looked_at:
            annotation = replace(annotation, client_request=outcome.client_request)
            session = session_of(outcome.request)
            retry = self._turns.retry(session, outcome.request, outcome.retry)
            cost = _exact(self.cost(outcome.records))
            annotation = replace(annotation, session=session, retry=retry, cost=cost)
        answered = attempt is not None and attempt.response is not None and flow.response is attempt.response
        try:
            annotation = await keep_cleaned(flow, annotation, attempt, cleaner, limits.record_bytes, answered=answered)
        except Exception:  # nothing runs for ever
            _write(flow, replace(bare, model=cleaner.text(bare.model)))
            raise
        if looked_at and attempt is not None:
            self._put_places(flow, attempt)
        if outcome.cache == "hit" and flow.response is not None:
            flow.response.data.content = annotation.delivered.encode()
        _write(flow, annotation)

    def _put_places(self, flow: http.HTTPFlow, attempt: Attempt) -> None:
        self.places.put_on(flow, attempt.spec.owner, attempt.spec.places)

    def step(self, step: CallRecord) -> None:
        """Shows a step (preparing call, sign-in, renewal, chat made or deleted) as a flow."""
        if not self.looked_at():
            return
        request_id = CURRENT.get() or "-"
        flow = step_flow(step, request_id, self.cleaner())
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

    def _attempt_annotation(self, record: AttemptRecord) -> Annotation:
        usage = record.usage
        return Annotation(
            **_pieces_of(record.attempt),
            request_id=record.request_id,
            provider=record.provider,
            account=record.account,
            model=record.model,
            attempt=record.number,
            most=self.limits().max_attempts,
            followed=True,
            outcome="failed",
            error=record.error.message if record.error is not None else "",
            first_token_ms=record.first_token_ms,
            took_ms=record.took_ms,
            total_ms=record.ended_ms,
            prompt_tokens=usage.prompt_tokens if usage is not None else None,
            completion_tokens=usage.completion_tokens if usage is not None else None,
            cached_tokens=usage.cached_tokens if usage is not None else None,
            cost=_exact(self.cost((record,))),
            dialect=record.dialect,
            session=session_of(record.request),
        )


def _request_annotation(
    flow: http.HTTPFlow, outcome: Outcome, attempt: Attempt | None, *, held_ms: int, most: int
) -> Annotation:
    """Of a whole request; `attempt` is the one that the flow shows."""
    usage = outcome.usage
    return Annotation(
        **_pieces_of(attempt),
        request_id=outcome.id,
        part="attempt" if attempt is not None else "local",
        provider=outcome.provider or "",
        account=outcome.account or "",
        model=outcome.model or "",
        attempt=len(outcome.records),
        call="" if attempt is not None else _call(flow),
        outcome=outcome.outcome,
        error=_reason(outcome, attempt) or outcome.error_code or "",
        first_token_ms=outcome.first_token_ms,
        total_ms=outcome.total_ms,
        prompt_tokens=usage.prompt_tokens if usage is not None else None,
        completion_tokens=usage.completion_tokens if usage is not None else None,
        cached_tokens=usage.cached_tokens if usage is not None else None,
        dialect=outcome.dialect,
        cache=outcome.cache,
        uploaded_bytes=outcome.uploaded_bytes,
        held_ms=held_ms,
        most=most,
    )


def _exact(cost: Money | None) -> str:
    """In USD."""
    return "" if cost is None else f"{dollars_of(cost).normalize():f}"


def _pieces_of(attempt: Attempt | None) -> dict[str, Any]:
    """What stands in an annotation of how an answer came and went."""
    if attempt is None:
        return {}
    report = attempt.report
    return {
        "stream": attempt.streaming,
        "arrivals": tuple(report.arrivals.pieces()),
        "deliveries": tuple(report.deliveries.pieces()),
        "cut": report.cut,
    }


def _local_annotation(flow: http.HTTPFlow, outcome: Outcome) -> Annotation:
    """The annotation of what the gateway answered without a thought of a provider."""
    error = outcome.error
    return Annotation(
        request_id=outcome.id,
        part="local",
        call=_call(flow),
        outcome="refused" if error else "ok",
        error=f"{error.status} {error.code}: {error.message}" if error else "",
    )


def _write(flow: http.HTTPFlow, annotation: Annotation) -> None:
    annotation.put_on(flow)
    flow.comment, flow.marked = summary_line(annotation), marker(annotation)


def _call(flow: http.HTTPFlow) -> str:
    return f"{flow.request.method} {flow.request.path.partition('?')[0][:100]}"


def _reason(outcome: Outcome, attempt: Attempt | None) -> str:
    """Why it failed, in words: the final error's, or those of an answer that broke off."""
    if outcome.error is not None:
        return outcome.error.message
    error = attempt.report.error if attempt is not None else None
    return error.message if error is not None else ""
