"""Spans to an OpenTelemetry collector: made when a request is over, sent by a thread, dropped where it lags."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from addons.config.version import version
from addons.telemetry.spans import SpanOf

QUEUED: Final = 2048
"""Spans that wait to be sent; what comes beyond is dropped."""
SEND_EVERY_MS: Final = 1000.0
SEND_S: Final = 5.0
"""So long one sending may take, with what is tried anew."""
TRACEPARENT_CHARS: Final = 128
_PATH: Final = "/v1/traces"
_KINDS: Final = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}


class NotedExporter(SpanExporter):
    """An exporter whose failure is noted: `failing` while the last sending failed, `lost` counts spans."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner: Final = inner
        self.failing = False
        self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            found = self._inner.export(spans)
        except Exception:
            found = SpanExportResult.FAILURE
        self.failing = found is not SpanExportResult.SUCCESS
        self.lost += len(spans) if self.failing else 0
        return found

    def shutdown(self) -> None:
        self._inner.shutdown()


class _Ids(RandomIdGenerator):
    """Random ids, but for those that were given out before their spans are made."""

    def __init__(self) -> None:
        self.trace_id = self.span_id = 0
        """For the next span; 0: a random one."""

    def generate_trace_id(self) -> int:
        found, self.trace_id = self.trace_id or super().generate_trace_id(), 0
        return found

    def generate_span_id(self) -> int:
        found, self.span_id = self.span_id or super().generate_span_id(), 0
        return found


@dataclass(frozen=True, slots=True)
class _Begun:
    """A request under way: whose child its span is, and the ids that are its."""

    parent: Context
    trace_id: int
    span_id: int
    sampled: bool


class Tracer:
    """Makes spans and sends them to `endpoint`, or by `exporter`."""

    def __init__(self, endpoint: str, exporter: SpanExporter | None = None) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)  # `failing` says it, once
        self.place: Final = urlsplit(endpoint).hostname or "?"
        self.exporter: Final = NotedExporter(exporter or OTLPSpanExporter(endpoint_of(endpoint), timeout=SEND_S))
        self._ids: Final = _Ids()
        self._begun: dict[str, _Begun] = {}
        resource = Resource.create({"service.name": "glassgate", "service.version": version()})
        self._provider: Final = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=self._ids)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self.exporter,
                max_queue_size=QUEUED,
                schedule_delay_millis=SEND_EVERY_MS,
                export_timeout_millis=SEND_S * 1000,
            )
        )
        self._tracer: Final = self._provider.get_tracer("glassgate", version())

    def begin(self, request_id: str, traceparent: str | None) -> None:
        """A request begins, as a child of the client's span where its traceparent is told and is one."""
        parent = Context()
        if traceparent is not None and len(traceparent) <= TRACEPARENT_CHARS:
            parent = TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())
        of_client = get_current_span(parent).get_span_context()
        trace_id = of_client.trace_id if of_client.is_valid else RandomIdGenerator().generate_trace_id()
        sampled = not of_client.is_valid or of_client.trace_flags.sampled
        self._begun[request_id] = _Begun(parent, trace_id, RandomIdGenerator().generate_span_id(), sampled)

    def traceparent(self, request_id: str) -> str | None:
        """What a provider is sent in an attempt of that request: each has a span of its own."""
        begun = self._begun.get(request_id)
        if begun is None:
            return None
        return f"00-{begun.trace_id:032x}-{RandomIdGenerator().generate_span_id():016x}-{int(begun.sampled):02x}"

    def end(self, request_id: str, spans: Sequence[SpanOf], came_ns: int) -> None:
        """A request that came at that time (Unix, in nanoseconds) is over; the first of the spans is its own."""
        begun = self._begun.pop(request_id, None)
        first, *others = spans
        if begun is not None:
            self._ids.trace_id, self._ids.span_id = begun.trace_id, begun.span_id
        own = self._span(first, begun.parent if begun is not None else Context(), came_ns)
        for span in others:
            self._ids.span_id = _span_id(span.traceparent)
            self._span(span, own, came_ns)
        self._ids.trace_id = self._ids.span_id = 0

    def _span(self, span: SpanOf, parent: Context, came_ns: int) -> Context:
        """Makes one, whole; gives the context of its children."""
        made = self._tracer.start_span(
            span.name,
            parent,
            _KINDS[span.kind],
            span.attributes,
            start_time=came_ns + int(span.start_ms * 1e6),
        )
        if span.error:
            made.set_attribute("error.type", span.error)
            made.set_status(Status(StatusCode.ERROR))
        made.end(came_ns + int(span.end_ms * 1e6))
        return set_span_in_context(made, parent)

    async def close(self, patience_s: float) -> None:
        """Sends what waits, for so long at most: a collector that hangs holds nobody."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def shut() -> None:
            try:
                self._provider.shutdown()
            finally:
                _call_soon(loop, over.set)

        threading.Thread(target=shut, name="glassgate traces end", daemon=True).start()
        try:
            await asyncio.wait_for(over.wait(), patience_s)
        except TimeoutError:
            return


def endpoint_of(endpoint: str) -> str:
    """Where spans are posted: a base URL gets the path that OTLP has for them."""
    return endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _PATH


def _span_id(traceparent: str) -> int:
    """That of a traceparent of ours; 0 for none."""
    parts = traceparent.split("-")
    return int(parts[2], 16) if len(parts) == 4 else 0


def _call_soon(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    """From another thread; nothing where the loop is closed already."""
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:
        return
