"""The spans of a request: itself first, then what it waited for, and its attempts; names of the conventions."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.exchange.stage import Stage
from addons.telemetry.spans import MOST, spans_of
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Usage
from tests.telemetry.test_requests import CHAT

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
SENT: Any = SimpleNamespace(
    target=SimpleNamespace(host="api.example", port=443),
    response=http.Response.make(429),
    built=http.Request.make("POST", "https://api.example/", headers=[(b"traceparent", PARENT.encode())]),
)
GONE = AttemptRecord(
    "r", 1, "m", "zai", "a", ProviderError(ErrorKind.RATE_LIMITED, "secret words"), 200, ended_ms=300, attempt=SENT
)
GOOD = AttemptRecord("r", 2, "m", "zai", "b", took_ms=700, ended_ms=1100, usage=Usage(10, 5, 15, 3, 4))
TRAIL = (
    (Stage.QUEUED, 10.0),
    (Stage.SESSION, 10.05),
    (Stage.PREPARING, 10.0501),
    (Stage.READY, 10.1),
    (Stage.AFTER, 10.3),
)
ASKED = replace(CHAT, records=(GONE, GOOD), began=10.0, trail=TRAIL, asked="fast", usage=Usage(10, 5, 15))


def plain(text: str) -> str:
    return text


def test_the_request_its_waits_and_its_attempts() -> None:
    own, *others = spans_of(ASKED, plain)
    assert (own.name, own.kind, own.start_ms, own.end_ms, own.error) == ("chat m", "server", 0, 1200, "")
    told = [(one.name, one.kind, round(one.start_ms), round(one.end_ms), one.error) for one in others]
    assert told == [
        ("queue", "internal", 0, 50, ""),
        ("prepare", "internal", 50, 100, ""),
        ("chat m", "client", 100, 300, "rate_limited"),
        ("chat m", "client", 400, 1100, ""),
    ]
    assert (others[2].traceparent, others[3].traceparent) == (PARENT, "")


def test_attributes_are_those_of_the_conventions() -> None:
    own, *_, first, second = spans_of(ASKED, plain)
    assert own.attributes["gen_ai.operation.name"] == "chat"
    assert (own.attributes["gen_ai.request.model"], own.attributes["gen_ai.response.model"]) == ("fast", "m")
    assert (own.attributes["gen_ai.usage.input_tokens"], own.attributes["gen_ai.usage.output_tokens"]) == (10, 5)
    assert own.attributes["gen_ai.response.time_to_first_chunk"] == 0.3
    assert (first.attributes["server.address"], first.attributes["server.port"]) == ("api.example", 443)
    assert first.attributes["http.response.status_code"] == 429
    assert second.attributes["gen_ai.usage.cache_read.input_tokens"] == 4
    known = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    for span in (own, first, second):
        assert {name for name in span.attributes if name.startswith("gen_ai.")} <= known


def test_nothing_of_what_was_said_is_in_them() -> None:
    words = "secret words"
    full = replace(ASKED, client_body=words.encode(), why=words, outcome="failed", error_code="x", status=502)
    assert words not in repr(spans_of(full, plain))


@pytest.mark.parametrize(
    ("outcome", "name", "error"),
    [
        (
            Outcome("r", "a", "/x", 404, "made up", outcome="refused", error_code="e", dialect="chat"),
            "request made up",
            "e",
        ),
        (replace(ASKED, outcome="client_left", status=499, operation="embeddings"), "embeddings m", "client_left"),
        (replace(ASKED, operation="images_generations", model=None, asked=None), "images_generations", ""),
    ],
)
def test_its_name_says_what_was_asked_and_its_error_what_came_of_it(outcome: Outcome, name: str, error: str) -> None:
    own = spans_of(outcome, plain)[0]
    assert (own.name, own.error) == (name, error)
    assert ("gen_ai.response.model" in own.attributes) is (outcome.model is not None and outcome.outcome != "refused")


def test_clients_words_are_cleaned_and_bounded_and_so_are_the_spans() -> None:
    told = replace(ASKED, asked="sk-secret\n" + "x" * 500, records=(GOOD,) * 500)
    spans = spans_of(told, lambda text: text.replace("sk-secret", "[hidden]"))
    asked = str(spans[0].attributes["gen_ai.request.model"])
    assert asked.startswith("[hidden]")
    assert asked.isprintable()
    assert len(asked) <= 101
    assert len(spans) == MOST
