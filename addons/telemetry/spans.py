"""The spans of a request that is over: of itself, its waits and preparations, its attempts. Pure.

No content and no secret is in them. Attributes have the names of OpenTelemetry's semantic conventions for generative
AI, and `glassgate.…` beside.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.exchange.stage import Stage
from addons.exchange.trace_port import TRACEPARENT
from addons.words.shown import shown
from providers.contract.events import Usage

NAME_CHARS: Final = 100
SHORTEST_MS: Final = 1.0
"""A wait or preparation below this is not told."""
MOST: Final = 64
"""Spans of one request."""
_OPERATIONS: Final[Mapping[str, str]] = {
    "chat_completions": "chat",
    "messages": "chat",
    "responses": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
}
"""What the conventions call an operation; others have their own names."""
_STAGES: Final[Mapping[Stage, str]] = {
    Stage.QUEUED: "queue",
    Stage.PAUSED: "pause",
    Stage.SESSION: "session",
    Stage.RENEWING: "renew session",
    Stage.PREPARING: "prepare",
}

type Attributes = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class SpanOf:
    """One span; times in milliseconds since the request came."""

    name: str
    kind: Literal["server", "client", "internal"]
    start_ms: float
    end_ms: float
    attributes: Attributes = field(default_factory=dict)
    error: str = ""
    """Its type, where it failed."""
    traceparent: str = ""
    """What the provider was sent of it."""


def spans_of(outcome: Outcome, clean: Callable[[str], str]) -> list[SpanOf]:
    """The request's own first; `clean` takes secrets out of a client's words."""
    what = _OPERATIONS.get(outcome.operation, outcome.operation or "request")
    own = _request(outcome, what, clean)
    attempts = [_attempt(record, what) for record in outcome.records]
    return [own, *[*_stages(outcome), *attempts][: MOST - 1]]


def _request(outcome: Outcome, what: str, clean: Callable[[str], str]) -> SpanOf:
    asked = shown(clean(outcome.asked or ""), NAME_CHARS)
    model = shown(clean(outcome.model or ""), NAME_CHARS)
    attributes: Attributes = {
        "gen_ai.operation.name": what,
        "http.request.method": outcome.method,
        "http.response.status_code": outcome.status,
        "glassgate.request.id": outcome.id,
        "glassgate.key": outcome.key,
        "glassgate.outcome": outcome.outcome,
        "glassgate.attempts": outcome.attempts,
    }
    for name, value in (
        ("gen_ai.request.model", asked),
        ("gen_ai.response.model", model if outcome.outcome != "refused" else ""),
        ("gen_ai.provider.name", outcome.provider or ""),
        ("glassgate.account", outcome.account or ""),
        ("glassgate.cache", outcome.cache),
    ):
        if value:
            attributes[name] = value
    if outcome.first_token_ms is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = outcome.first_token_ms / 1000
    attributes |= _tokens(outcome.usage)
    error = outcome.error_code or ("client_left" if outcome.outcome == "client_left" else "")
    name = f"{what} {model or asked}".strip()
    return SpanOf(name, "server", 0, outcome.total_ms, attributes, shown(error, NAME_CHARS))


def _stages(outcome: Outcome) -> Iterator[SpanOf]:
    """What it waited for, and how it was prepared: from each stage to the next."""
    ends = [at for _, at in outcome.trail[1:]]
    for (stage, at), end in zip(outcome.trail, [*ends, outcome.began + outcome.total_ms / 1000], strict=False):
        name = _STAGES.get(stage)
        if name is not None and (end - at) * 1000 >= SHORTEST_MS:
            yield SpanOf(name, "internal", (at - outcome.began) * 1000, (end - outcome.began) * 1000)


def _attempt(record: AttemptRecord, what: str) -> SpanOf:
    attributes: Attributes = {
        "gen_ai.operation.name": what,
        "gen_ai.request.model": shown(record.model, NAME_CHARS),
        "gen_ai.provider.name": record.provider,
        "glassgate.account": record.account,
        "glassgate.attempt": record.number,
        **_tokens(record.usage),
    }
    traceparent = ""
    if (attempt := record.attempt) is not None:
        attributes["server.address"], attributes["server.port"] = attempt.target.host, attempt.target.port
        if attempt.response is not None:
            attributes["http.response.status_code"] = attempt.response.status_code
        if attempt.built is not None:
            traceparent = attempt.built.headers.get(TRACEPARENT, "")
    error = record.error.kind.value if record.error is not None else ""
    name = f"{what} {attributes['gen_ai.request.model']}"
    start = record.ended_ms - record.took_ms
    return SpanOf(name, "client", start, record.ended_ms, attributes, error, traceparent)


def _tokens(usage: Usage | None) -> Attributes:
    if usage is None:
        return {}
    found = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "cache_read.input_tokens": usage.cached_tokens,
        "reasoning.output_tokens": usage.reasoning_tokens,
    }
    return {f"gen_ai.usage.{name}": count for name, count in found.items() if count is not None}
