"""Spans reach a collector by OTLP, keep to the client's trace where they are to, and cost nothing where it is away."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from addons.telemetry.spans import SpanOf
from addons.telemetry.tracing import QUEUED, Tracer, endpoint_of

OWN = SpanOf("chat m", "server", 0, 1200, {"gen_ai.request.model": "m"})
WAIT = SpanOf("queue", "internal", 10, 60)
CAME_NS = 1_700_000_000_000_000_000
TRACE, PARENT = "a" * 32, "b" * 16


class Collector:
    """A receiver of OTLP over HTTP, which reads what it is sent."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.paths: list[str] = []
        self.answers = threading.Event()
        self.answers.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.answers.wait(30)
                collector.paths.append(self.path)
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                text = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for of_resource in request.resource_spans
            for scope in of_resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.answers.set()
    running.server.shutdown()
    running.server.server_close()


def in_memory() -> tuple[Tracer, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    return Tracer("http://127.0.0.1:1", exporter), exporter


def sent(tracer: Tracer, exporter: InMemorySpanExporter) -> list[Any]:
    asyncio.run(tracer.close(5))
    return list(exporter.get_finished_spans())


def test_a_real_receiver_gets_them_whole(collector: Collector) -> None:
    tracer = Tracer(collector.url)
    failed = SpanOf("chat m", "client", 100, 300, {"server.address": "api.example"}, error="rate_limited")
    tracer.end("r", [OWN, WAIT, failed], CAME_NS)
    asyncio.run(tracer.close(5))
    assert collector.paths == ["/v1/traces"]
    own, wait, attempt = collector.spans()
    assert (own.name, own.kind, own.parent_span_id) == ("chat m", 2, b"")
    assert (own.start_time_unix_nano, own.end_time_unix_nano) == (CAME_NS, CAME_NS + 1_200_000_000)
    assert wait.parent_span_id == attempt.parent_span_id == own.span_id
    assert len({span.trace_id for span in (own, wait, attempt)}) == 1
    assert (attempt.status.code, attempt.kind) == (2, 3)
    assert {one.key: one.value.string_value for one in attempt.attributes} == {
        "server.address": "api.example",
        "error.type": "rate_limited",
    }
    (resource,) = (one.resource for one in collector.requests[0].resource_spans)
    assert {one.key: one.value.string_value for one in resource.attributes}["service.name"] == "glassgate"
    assert not tracer.exporter.failing


def test_a_collector_that_hangs_holds_nobody_at_the_end(collector: Collector) -> None:
    collector.answers.clear()
    tracer = Tracer(collector.url)
    tracer.end("r", [OWN], CAME_NS)
    asyncio.run(tracer.close(0.05))


def test_one_that_is_away_is_noted_and_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    tracer, exporter = in_memory()
    monkeypatch.setattr(exporter, "export", lambda spans: 1 / 0)
    for _ in range(QUEUED * 2):
        tracer.end("r", [OWN], CAME_NS)
    asyncio.run(tracer.close(5))
    assert tracer.exporter.failing
    assert 0 < tracer.exporter.lost <= QUEUED * 2


@pytest.mark.parametrize(
    ("traceparent", "parent"),
    [
        (f"00-{TRACE}-{PARENT}-01", PARENT),
        (None, None),
        ("", None),
        (f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01" + "x" * 500, None),
        ("x" * 100_000, None),
    ],
)
def test_a_clients_span_is_the_parent_where_it_is_one(traceparent: str | None, parent: str | None) -> None:
    tracer, exporter = in_memory()
    tracer.begin("r", traceparent)
    tracer.end("r", [OWN], CAME_NS)
    (own,) = sent(tracer, exporter)
    assert (f"{own.parent.span_id:016x}" if own.parent else None) == parent
    assert (f"{own.context.trace_id:032x}" == TRACE) is (parent is not None)


def test_a_trace_that_the_client_does_not_keep_is_not_kept() -> None:
    tracer, exporter = in_memory()
    tracer.begin("r", f"00-{TRACE}-{PARENT}-00")
    assert str(tracer.traceparent("r")).endswith("-00")
    tracer.end("r", [OWN], CAME_NS)
    assert sent(tracer, exporter) == []


def test_what_a_provider_was_sent_is_the_attempts_span() -> None:
    tracer, exporter = in_memory()
    tracer.begin("r", None)
    told = [str(tracer.traceparent("r")) for _ in range(2)]
    attempts = [SpanOf("chat m", "client", 0, 1, traceparent=one) for one in told]
    tracer.end("r", [OWN, WAIT, *attempts], CAME_NS)
    own, wait, *made = sent(tracer, exporter)
    assert [f"00-{one.context.trace_id:032x}-{one.context.span_id:016x}-01" for one in made] == told
    assert {one.parent.span_id for one in (wait, *made)} == {own.context.span_id}
    assert tracer.traceparent("r") is None


@pytest.mark.parametrize(
    ("endpoint", "found"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://otel.example/in/v1/traces", "https://otel.example/in/v1/traces"),
    ],
)
def test_a_base_url_gets_the_path_of_traces(endpoint: str, found: str) -> None:
    assert endpoint_of(endpoint) == found
