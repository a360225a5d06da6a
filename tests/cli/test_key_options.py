"""The options of limits: what they say, and how limits are told."""

import time

import pytest

from addons.cli import key_options
from addons.cli.key_options import changed, told
from addons.keys.limits import NO_LIMITS, KeyLimits, budget_of, moment_of


def test_only_what_is_given_changes() -> None:
    given = {"rpm": lambda limits: KeyLimits(rpm=5, concurrent=limits.concurrent), "budget": None}
    assert changed(KeyLimits(rpm=1, concurrent=2), given) == KeyLimits(rpm=5, concurrent=2)


def test_limits_in_words() -> None:
    assert told(NO_LIMITS) == {}
    limits = KeyLimits(("a", "b*"), 3, 2000, budget_of("1/day"), 4, moment_of("2027-03-31"))
    assert told(limits) == {
        "models": "a, b*",
        "rpm": "3",
        "tokens per day": "2,000",
        "budget": "1.00/day",
        "concurrent": "4",
        "expires": "2027-03-31 00:00 UTC",
    }


@pytest.mark.parametrize("written", ["2020-01-01", "0s"])
def test_an_end_that_is_over_is_none(written: str) -> None:
    with pytest.raises(ValueError, match="is over already"):
        key_options._expiry(written)


@pytest.mark.parametrize(("written", "after_s"), [("90d", 90 * 86_400), ("5s", 5), ("2m", 120), ("3h", 10_800)])
def test_an_end_is_counted_from_now(written: str, after_s: float) -> None:
    assert abs(key_options._expiry(written) - time.time() - after_s) < 60
    assert key_options._expiry("2027-03-31") == moment_of("2027-03-31")
