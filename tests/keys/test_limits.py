"""Limits of client keys: as people write them, what they permit, and the calendar of budgets."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.keys import limits
from addons.keys.limits import NO_LIMITS, Budget, KeyLimits


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("patterns", "provider", "model", "allowed"),
    [
        (("GLM-*",), "zai", "glm-4.6", True),
        (("GLM-*",), "zai", "xglm-4.6", False),
        (("glm-4.6",), "zai", "GLM-4.6", True),
        (("*",), "zai", "anything", True),
        (("a*b*c",), "p", "a-b-b-c", True),
        (("ab*ba",), "p", "aba", False),
        (("a**c",), "p", "ac", True),
        (("zai/*",), "zai", "GLM-4.6", True),
        (("zai/*",), "other", "GLM-4.6", False),
        (("org/model",), "p", "Org/Model", True),
        (("x", "qwen-*"), "qwen", "qwen-max", True),
        (("[a-z]?",), "p", "q?", False),
    ],
)
def test_models(patterns: tuple[str, ...], provider: str, model: str, allowed: bool) -> None:
    assert KeyLimits(models=patterns).permits(provider, model) is allowed


def test_what_was_found_of_models_is_remembered_within_bounds() -> None:
    one = KeyLimits(models=("a*",))
    for number in range(5000):
        assert one.permits("p", f"a{number}")
        assert not one.permits("p", f"b{number}")
    assert len(one._permitted) <= 4096
    assert one == KeyLimits(models=("a*",))
    assert replace(one, models=("b*",)).permits("p", "b1")


def test_no_limits_permit_all_and_meter_nothing() -> None:
    assert NO_LIMITS.permits("p", "m")
    assert not NO_LIMITS.metered
    assert not KeyLimits(models=("a",), expires=1.0).metered
    assert KeyLimits(rpm=1).metered
    assert not NO_LIMITS.expired(9e9)
    assert (KeyLimits(expires=10.0).expired(9.9), KeyLimits(expires=10.0).expired(10.0)) == (False, True)


@pytest.mark.parametrize(
    ("written", "tokens"), [("2M", 2_000_000), ("500k", 500_000), ("1.5m", 1_500_000), (7, 7), ("1_000", 1000)]
)
def test_tokens(written: str | int, tokens: int) -> None:
    assert limits.tokens_of(written) == tokens


@pytest.mark.parametrize(
    ("written", "budget"),
    [
        ("5.00/month", Budget(Decimal("5.00"), "month")),
        ("$0.5/Day", Budget(Decimal("0.5"), "day")),
        ("10 / total", Budget(Decimal(10), "total")),
        ("1/week", Budget(Decimal(1), "week")),
    ],
)
def test_budgets(written: str, budget: Budget) -> None:
    assert limits.budget_of(written) == budget
    assert limits.budget_of(str(budget)) == budget


@pytest.mark.parametrize(("written", "seconds"), [("90d", 90 * 86_400), ("12h", 43_200), ("30m", 1800), ("45s", 45)])
def test_spans(written: str, seconds: float) -> None:
    assert limits.span_of(written) == seconds


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2027-03-31", unix("2027-03-31")),
        ("2027-03-31T18:00:00+01:00", unix("2027-03-31T17:00")),
        ("2027-03-31T18:00:00Z", unix("2027-03-31T18:00")),
    ],
)
def test_moments(written: str, at: float) -> None:
    assert limits.moment_of(written) == at


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (limits.tokens_of, "0"), (limits.tokens_of, "-2M"), (limits.tokens_of, "1.5"), (limits.tokens_of, "2T"),
        (limits.tokens_of, "٣"), (limits.tokens_of, "9" * 5000), (limits.tokens_of, ""),
        (limits.budget_of, "5"), (limits.budget_of, "5/year"), (limits.budget_of, "0/day"),
        (limits.budget_of, "-1/day"), (limits.budget_of, "NaN/day"), (limits.budget_of, "9999999/day"),
        (limits.span_of, "90"), (limits.span_of, "-1d"), (limits.span_of, "999999999d"), (limits.span_of, "1w"),
        (limits.moment_of, "90d"), (limits.moment_of, "1900-01-01"), (limits.moment_of, "x" * 9999),
        (limits.requests_of, "0"), (limits.requests_of, "1.5"), (limits.requests_of, "1000000"),
        (limits.requests_of, "²"), (limits.models_of, " , "), (limits.models_of, "a\x1b"),
        (limits.models_of, ["m" * 201]), (limits.models_of, [str(n) for n in range(51)]),
    ],
)  # fmt: skip
def test_what_is_no_limit_is_refused(read, written) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"must be|at most|name at least"):
        read(written)


def test_lists_of_models() -> None:
    assert limits.models_of("GLM-*, qwen-*,,GLM-*") == limits.models_of(["GLM-*", "qwen-*"]) == ("GLM-*", "qwen-*")
    assert limits.requests_of("30") == limits.requests_of(30) == 30


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        ("day", "2026-11-27T04:00", "2026-11-27", "2026-11-28"),
        ("week", "2026-11-27T04:00", "2026-11-23", "2026-11-30"),
        ("month", "2026-12-31T23:59", "2026-12-01", "2027-01-01"),
        ("month", "2027-01-31T00:00", "2027-01-01", "2027-02-01"),
    ],
)
def test_periods_are_those_of_the_calendar(period: limits.Period, now: str, start: str, end: str) -> None:
    assert limits.period_start(period, unix(now)) == unix(start)
    assert limits.period_end(period, unix(now)) == unix(end)


@given(st.sampled_from(limits.PERIODS), st.integers(86_400 * 40, 4_000_000_000))
def test_now_lies_in_its_period(period: limits.Period, now: int) -> None:
    start, end = limits.period_start(period, now), limits.period_end(period, now)
    assert start <= now
    assert end is None or (now < end and limits.period_start(period, end) == end)


def test_moments_are_shown() -> None:
    assert limits.shown_moment(unix("2027-03-31T17:00")) == "2027-03-31 17:00 UTC"
    assert limits.shown_moment(1e30) == "never"
