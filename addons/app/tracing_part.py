"""The optional part that makes spans of requests, where `tracing.endpoint` says where they go."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from addons.app.jobs import Job
from addons.app.optional_part import OptionalPart
from addons.app.runtime import Running
from addons.config.operating import TracingSettings
from addons.exchange.outcome import ExchangeInfo, Outcome
from addons.exchange.trace_port import TRACEPARENT, TracePort
from addons.tasks import Background
from addons.telemetry.spans import spans_of

if TYPE_CHECKING:
    from addons.telemetry.tracing import Tracer

log = logging.getLogger("glassgate")

LOOK_S: Final = 2.0
CLOSE_S: Final = 3.0
"""So long the end of the process waits for spans to be sent."""
MISSING: Final = (
    "tracing.endpoint is set in config.yaml, but OpenTelemetry is not installed: no spans are made. "
    ".venv/bin/pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
)


def tracer_at(endpoint: str) -> "Tracer":
    """Imports what it takes: big, and an extra. Raises ImportError."""
    from addons.telemetry.tracing import Tracer

    return Tracer(endpoint)


class TracingPart(OptionalPart):
    """Makes spans when a request is over. `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float], make: "Callable[[str], Tracer]" = tracer_at) -> None:
        self._now, self._make = now, make
        self._background = Background()
        self._parts: Running | None = None
        self._settings = TracingSettings()
        self._tracer: Tracer | None = None
        self._problem = ""

    def take_up(self, parts: Running) -> None:
        before, self._settings = self._settings, parts.config.sections.tracing
        self._parts = parts
        if self._settings.endpoint != before.endpoint:
            self._move(self._settings.endpoint)
        port, on = parts.context.tracing, self._tracer is not None
        port.marks = on
        off = TracePort().header
        port.header = self._tracer.traceparent if self._tracer is not None and self._settings.pass_context else off

    def _move(self, endpoint: str | None) -> None:
        """Spans go elsewhere from now on, or nowhere."""
        if (former := self._tracer) is not None:
            self._background.spawn(former.close(CLOSE_S), "sending the last spans")
        self._tracer, self._problem = None, ""
        if endpoint is None:
            return
        try:
            self._tracer = self._make(endpoint)
        except ImportError:
            self._problem = MISSING
            log.error("%s", MISSING)

    async def begun(self, info: ExchangeInfo) -> None:
        if self._tracer is not None and (self._settings.take_context or self._settings.pass_context):
            told = info.flow.request.headers.get(TRACEPARENT) if self._settings.take_context else None
            self._tracer.begin(info.id, told)

    async def ended(self, outcome: Outcome) -> None:
        if self._tracer is not None and self._parts is not None and outcome.dialect:
            came_ns = int((self._now() - outcome.total_ms / 1000) * 1e9)
            self._tracer.end(outcome.id, spans_of(outcome, self._parts.cleaner.text), came_ns)

    def jobs(self) -> Sequence[Job]:
        return (Job("traces", LOOK_S, self._look),)

    async def _look(self) -> None:
        """Says once that spans cannot be sent, and once that they can again."""
        if (tracer := self._tracer) is None:
            return
        failing = f"spans cannot be sent to {tracer.place} (tracing.endpoint); they are dropped meanwhile"
        said = failing if tracer.exporter.failing else ""
        if said != self._problem:
            log.warning("%s", said or f"spans are sent to {tracer.place} again; {tracer.exporter.lost} were lost")
            self._problem = said

    def problems(self) -> Sequence[str]:
        return (self._problem,) if self._problem else ()

    async def close(self) -> None:
        if self._tracer is not None:
            await self._tracer.close(CLOSE_S)
