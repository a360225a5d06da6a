"""The meter of one key: what is reserved is always that of the requests under way, at the same cost however many."""

import random

import pytest

from addons.keys.limits import KeyLimits, budget_of
from addons.keys.meter import Estimate, Meter, OverLimit
from providers.contract.price import DOLLAR
from tests.support.counting import work_of

LIMITS = KeyLimits(None, 1000, 10**9, budget_of("1000000/month"), 5000)
ONE = Estimate(10, 20, DOLLAR // 100, DOLLAR // 10)


def meter(limits: KeyLimits = LIMITS) -> Meter:
    return Meter(limits, lambda: 100.0, lambda: 1.8e9)


def test_what_is_reserved_is_given_back_exactly() -> None:
    found, rng, running = meter(), random.Random(7), list[Estimate]()
    for _ in range(500):
        estimate = Estimate(rng.randrange(99), rng.randrange(99), rng.randrange(99), rng.randrange(99, 999))
        found.begin(estimate)
        running.append(estimate)
        if rng.random() < 0.6:
            found.end(running.pop(rng.randrange(len(running))), 5, 7)
        assert found.under_way == len(running)
        assert found.reserved == sum(one.tokens for one in running)
        assert found.reserved_cost == sum(one.cost for one in running)
    for estimate in running:
        found.end(estimate, 0, 0)
    assert (found.under_way, found.reserved, found.reserved_cost) == (0, 0, 0)


def test_who_is_refused_has_taken_nothing() -> None:
    found = meter(KeyLimits(rpm=1, tokens_per_day=100, concurrent=2))
    found.begin(Estimate(50, 10))
    for estimate, which in ((Estimate(1, 0), "rpm"), (Estimate(50, 0), "reserved"), (Estimate(101, 0), "tokens")):
        with pytest.raises(OverLimit) as caught:
            found.begin(estimate)
        assert caught.value.which == which
    assert (found.under_way, found.reserved) == (1, 60)


def test_a_request_takes_the_same_work_however_many_are_under_way_and_were_before() -> None:
    """Also behind a day in which each minute had a request."""
    quiet, busy = meter(), meter(KeyLimits(None, 100_000, 10**9, budget_of("1000000/month"), 5000))
    for minute in range(1440):
        busy.tokens.add(100.0, 1, (1440 - minute) * 60)
    for _ in range(4000):
        busy.begin(ONE)

    def request(of: Meter) -> None:
        of.check()
        of.begin(ONE)
        of.end(ONE, 25, DOLLAR // 50)

    for of in (quiet, busy):
        request(of)
    (_, few), (_, many) = work_of(lambda: request(quiet)), work_of(lambda: request(busy))
    assert many <= few
    assert few < 120


def test_other_limits_hold_at_once() -> None:
    found = meter(KeyLimits(rpm=5))
    for _ in range(3):
        found.begin(ONE)
    found.take_up(KeyLimits(rpm=3))
    with pytest.raises(OverLimit, match="rpm"):
        found.check()
    found.take_up(KeyLimits(concurrent=3))
    with pytest.raises(OverLimit, match="concurrent"):
        found.check()
    found.take_up(KeyLimits(tokens_per_day=90))
    with pytest.raises(OverLimit, match="reserved"):
        found.begin(ONE)
    found.take_up(KeyLimits(rpm=4))
    found.begin(ONE)
