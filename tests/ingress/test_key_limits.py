"""What a client is told of its key's limits."""

from typing import Any

import pytest

from addons.dialects import registry
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from addons.ingress.gate import Admission
from addons.ingress.key_limits import WithinLimits, limit_headers, not_allowed, over_limit, ran_over, span
from addons.keys.limits import KeyLimits, budget_of
from addons.keys.meter import Estimate, Figures, OverLimit, Which
from addons.keys.meters import KeyMeters

LIMITS = KeyLimits(("GLM-*",), 30, 2000, budget_of("5/month"), 4)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0s"), (0.2, "1s"), (1, "1s"), (59.5, "1m0s"), (360, "6m0s"), (86_399, "23h59m59s"), (86_460, "24h1m0s")],
)
def test_spans_are_written_as_openai_writes_them(seconds: float, told: str) -> None:
    assert span(seconds) == told


@pytest.mark.parametrize(
    ("which", "wait_s", "code", "retry", "said"),
    [
        ("rpm", 12.3, "rate_limit_exceeded", None, "may ask 30 times a minute; try again in 13s"),
        ("concurrent", 1, "rate_limit_exceeded", None, "may have 4 requests under way at once; try again in 1s"),
        ("reserved", 1, "rate_limit_exceeded", None, "has requests under way that may need what is left"),
        ("tokens", 30, "rate_limit_exceeded", None, "may use 2000 tokens a day, and this is more"),
        ("tokens", 7200, "rate_limit_exceeded", False, "try again in 2h0m0s"),
        ("tokens", None, "rate_limit_exceeded", False, "no more comes by waiting"),
        ("budget", 7200, "insufficient_quota", False, "has spent its budget of 5.00/month; try again in 2h0m0s"),
        ("budget", 5, "insufficient_quota", False, "has spent its budget"),
    ],
)
def test_refusals(which: Which, wait_s: float | None, code: str, retry: bool | None, said: str) -> None:
    error = over_limit(OverLimit(which, wait_s), "ada", LIMITS)
    assert (error.status, error.code, error.should_retry, error.retry_after_s) == (429, code, retry, wait_s)
    assert "the API key 'ada' " in error.message
    assert said in error.message


def test_what_runs_over_and_what_is_not_allowed() -> None:
    assert "used up its budget of 5.00/month" in ran_over("budget", "ada", LIMITS).message
    assert "used up its 2000 tokens of a day" in ran_over("tokens", "ada", LIMITS).message
    many = KeyLimits(tuple(f"m{number}" for number in range(12)))
    error = not_allowed("x" * 9999, "ada", many)
    assert (error.status, error.code) == (403, "model_not_allowed")
    assert error.message.endswith("m9 and 2 more")
    assert "what names no model" in not_allowed("", "ada", LIMITS).message


CLAUDE = RoutedHead("", {}, "", {"user-agent": "claude-cli/2.1.332"})
CODEX = RoutedHead("responses", {}, "", {"originator": "codex_cli_rs", "accept": "text/event-stream"})


@pytest.mark.parametrize(
    "error", [over_limit(OverLimit("budget", 7200), "ada", LIMITS), not_allowed("n", "ada", LIMITS)]
)
def test_programs_stop_at_what_no_repetition_heals(error: GatewayError) -> None:
    dialects = {dialect.name: dialect for dialect in registry.DIALECTS}
    told = dialects["messages"].error(error, CLAUDE)
    assert told.status_code in (403, 429)
    assert told.status_code == 403 or told.headers["x-should-retry"] == "false"
    codex = dialects["responses"].error(error, CODEX)
    assert codex.status_code == 200
    assert b"invalid_prompt" in (codex.content or b"")


def test_headers() -> None:
    assert limit_headers(Figures()) == ()
    assert limit_headers(Figures((30, 29, 59.5), (2000, 0, 86_460.0))) == (
        ("x-ratelimit-limit-requests", "30"),
        ("x-ratelimit-remaining-requests", "29"),
        ("x-ratelimit-reset-requests", "1m0s"),
        ("x-ratelimit-limit-tokens", "2000"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "24h1m0s"),
    )


def admission(limits: KeyLimits, **more: Any) -> Admission:
    dialect = next(dialect for dialect in registry.DIALECTS if dialect.name == "chat_completions")
    route = next(route for route in dialect.routes if route.asks_model)
    return Admission("chat", "ada", dialect, route, identity=b"a", limits=limits, **more)


def test_a_key_without_room_is_refused_at_the_head() -> None:
    meters = KeyMeters(lambda: 0.0, lambda: 1e9)
    policy, limits = WithinLimits(lambda: meters), KeyLimits(rpm=1)
    policy.check(admission(KeyLimits(models=("x",))))
    policy.check(Admission("models", "ada", identity=b"a", limits=limits))
    policy.check(admission(limits))
    meters.take(b"a", limits, "1", Estimate())
    with pytest.raises(GatewayError) as caught:
        policy.check(admission(limits))
    assert caught.value.status == 429
    assert ("x-ratelimit-remaining-requests", "0") in caught.value.headers()
