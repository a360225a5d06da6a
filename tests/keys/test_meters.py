"""The meters of client keys: no two requests have the same room, and what was reserved is given back."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from addons.keys.limits import Budget, KeyLimits, budget_of
from addons.keys.meter import Estimate, OverLimit
from addons.keys.meters import KeyMeters
from providers.contract.price import Money, money_of

ADA, BOB = b"a", b"b"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()
DAY_S = 86_400
NONE = Estimate()


@dataclass
class Rig:
    """Meters with a clock that is set by hand."""

    limits: KeyLimits
    time: float = 100.0
    jumped: float = 0.0
    count: int = 0
    meters: KeyMeters = field(init=False)

    def __post_init__(self) -> None:
        self.meters = KeyMeters(lambda: self.time, lambda: NOW + self.time + self.jumped)

    def take(self, estimate: Estimate = NONE, identity: bytes = ADA) -> str:
        """The request's id, or what it was refused for."""
        self.count += 1
        try:
            self.meters.take(identity, self.limits, str(self.count), estimate)
        except OverLimit as over:
            return over.which
        return str(self.count)

    def uses(self, tokens: int = 0, cost: str = "0", estimate: Estimate = NONE) -> str:
        request = self.take(estimate)
        self.meters.settle(request, tokens, usd(cost))
        return request

    def wait_s(self, estimate: Estimate = NONE) -> float | None:
        with pytest.raises(OverLimit) as caught:
            self.meters.take(ADA, self.limits, "x", estimate)
        return caught.value.retry_after_s


def usd(dollars: str) -> Money:
    return money_of(Decimal(dollars))


def spends(cost: str, prompt: str = "0") -> Estimate:
    return Estimate(prompt_cost=usd(prompt), cost=usd(cost))


def test_requests_a_minute() -> None:
    rig = Rig(KeyLimits(rpm=2))
    assert [rig.take() for _ in range(3)] == ["1", "2", "rpm"]
    assert rig.wait_s() == 60.001
    assert rig.take(identity=BOB) == "4"
    rig.time += 60.001
    assert [rig.take() for _ in range(3)] == ["5", "6", "rpm"]
    with pytest.raises(OverLimit, match="rpm"):
        rig.meters.check(ADA, rig.limits)


def test_a_look_takes_nothing() -> None:
    rig = Rig(KeyLimits(rpm=1, concurrent=1, tokens_per_day=5, budget=budget_of("1/day")))
    for _ in range(5):
        rig.meters.check(ADA, rig.limits)
    assert rig.take() == "1"
    with pytest.raises(OverLimit, match="concurrent"):
        rig.meters.check(ADA, rig.limits)


def test_requests_at_once() -> None:
    rig = Rig(KeyLimits(concurrent=2))
    assert [rig.take() for _ in range(3)] == ["1", "2", "concurrent"]
    assert rig.take(identity=BOB) == "4"
    rig.meters.settle("1", 0, 0)
    rig.meters.settle("1", 0, 0)  # once is enough
    assert [rig.take() for _ in range(2)] == ["5", "concurrent"]


def test_who_is_refused_for_one_limit_takes_nothing_of_another() -> None:
    rig = Rig(KeyLimits(rpm=2, concurrent=1))
    assert [rig.take() for _ in range(3)] == ["1", "concurrent", "concurrent"]
    rig.meters.settle("1", 0, 0)
    assert rig.take() == "4"


def test_tokens_of_a_day() -> None:
    rig = Rig(KeyLimits(tokens_per_day=100))
    assert rig.uses(60) == "1"
    rig.time += 3600
    assert rig.uses(40) == "2"
    assert rig.take() == "tokens"
    assert rig.wait_s() == 60 + DAY_S - 3700 + 60
    rig.time += DAY_S - 3400
    assert rig.take(Estimate(prompt=60)).isdecimal()


def test_a_prompt_that_does_not_fit_is_refused_and_an_answer_alone_may_have_what_is_left() -> None:
    rig = Rig(KeyLimits(tokens_per_day=100))
    rig.uses(50)
    assert rig.take(Estimate(prompt=51)) == "tokens"
    assert rig.take(Estimate(prompt=50, answer=9999)) == "3"
    assert rig.take(Estimate(prompt=1)) == "reserved"


def test_a_race_of_two_hundred_does_not_overspend_tokens() -> None:
    rig = Rig(KeyLimits(tokens_per_day=1000))
    said = [rig.take(Estimate(prompt=30, answer=20)) for _ in range(200)]
    running = [one for one in said if one.isdecimal()]
    assert len(running) == 20
    assert set(said) - set(running) == {"reserved"}
    for request in running:
        rig.meters.settle(request, 50, 0)
    assert rig.take(Estimate(prompt=1)) == "tokens"


def test_a_race_of_two_hundred_does_not_overspend_a_budget() -> None:
    rig = Rig(KeyLimits(budget=budget_of("1.00/month")))
    said = [rig.take(spends("0.03", "0.01")) for _ in range(200)]
    running = [one for one in said if one.isdecimal()]
    assert (len(running), set(said) - set(running)) == (33, {"reserved"})
    for request in running:
        rig.meters.settle(request, 0, usd("0.03"))
    assert rig.take(spends("0.03", "0.02")) == "budget"
    assert rig.take(spends("9", "0.01")).isdecimal(), "what its answer costs nobody knows; it is alone"
    assert rig.take(spends("0.001")) == "reserved"


def test_a_budget_is_whole_again_in_the_next_period() -> None:
    rig = Rig(KeyLimits(budget=budget_of("1/day")))
    rig.uses(cost="1.5")
    assert rig.take() == "budget"
    assert rig.wait_s() == 12 * 3600 - rig.time
    rig.time += 12 * 3600
    assert rig.take().isdecimal()
    total = Rig(KeyLimits(budget=budget_of("1/total")))
    total.uses(cost="1")
    assert (total.take(), total.wait_s()) == ("budget", None)


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_a_budget_begins_anew_after_a_clock_that_was_far_ahead(period: str) -> None:
    """What was spent meanwhile counts in the period in which the clock was set right, and no longer."""
    rig = Rig(KeyLimits(budget=budget_of(f"5/{period}")), jumped=12_000.0 * DAY_S)
    assert rig.uses(cost="5", estimate=spends("5")) == "1"
    rig.jumped = 0.0
    assert rig.take(spends("1")) == "budget"
    rig.jumped = 40.0 * DAY_S
    assert rig.take(spends("1")) == "3"


def test_a_clock_that_jumps_gives_nothing_away() -> None:
    rig = Rig(KeyLimits(budget=budget_of("1/day"), tokens_per_day=10, rpm=9))
    rig.uses(10, "1")
    for jumped in (-40 * DAY_S, -1.0, 1.0):
        rig.jumped = jumped
        assert rig.take() == "tokens"
        rig.limits = replace(rig.limits, tokens_per_day=None)
        assert rig.take() == "budget"
        rig.limits = replace(rig.limits, tokens_per_day=10)


def test_other_limits_count_what_was_used_before() -> None:
    rig = Rig(KeyLimits(rpm=5, budget=budget_of("9/total")))
    for _ in range(3):
        rig.uses(10, "1")
    rig.limits = KeyLimits(rpm=3)
    assert rig.take() == "rpm"
    rig.limits = KeyLimits(budget=Budget(Decimal(3), "day"))
    assert rig.take() == "budget"
    rig.limits = KeyLimits(tokens_per_day=30)
    assert rig.take() == "tokens"


def test_a_key_without_limits_has_no_meter() -> None:
    rig = Rig(KeyLimits(models=("a",)))
    assert rig.meters.take(ADA, rig.limits, "1", Estimate()) is None
    rig.meters.check(ADA, rig.limits)
    rig.meters.settle("1", 5, usd("5"))
    assert rig.meters.keep({ADA: rig.limits}) == []


def test_what_was_used_before_the_start_counts_once() -> None:
    rig = Rig(KeyLimits(tokens_per_day=100, budget=budget_of("5/month")), time=1e6)
    assert rig.meters.keep({ADA: rig.limits}) == [ADA]
    rig.uses(10, "1")
    for _ in range(2):
        rig.meters.seed(ADA, {80_000.0: 50, 10.0: 30}, {"month": usd("3"), "day": usd("1")})
    rig.meters.seed(BOB, {1.0: 1}, {})
    assert rig.meters.keep({ADA: rig.limits}) == []
    figures = rig.meters.figures(ADA, rig.limits)
    assert figures.tokens is not None
    assert figures.tokens[:2] == (100, 10)
    rig.uses(0, "1")
    assert rig.take() == "budget"
    rig.time += 7000
    later = rig.meters.figures(ADA, rig.limits).tokens
    assert later is not None
    assert later[:2] == (100, 60)


def test_a_key_that_left_is_forgotten_once_its_requests_are_over() -> None:
    rig = Rig(KeyLimits(concurrent=1))
    rig.take()
    rig.meters.keep({})
    rig.meters.settle("1", 1, 0)
    rig.meters.keep({})
    assert not rig.meters._meters
    assert not rig.meters._under_way


def test_figures_for_clients() -> None:
    rig = Rig(KeyLimits(rpm=10, tokens_per_day=1000, budget=budget_of("1/day")))
    use = rig.meters.take(ADA, rig.limits, "1", Estimate(prompt=100, answer=100))
    assert use is not None
    assert use.figures.requests == (10, 9, 60.001)
    assert use.figures.tokens == (1000, 800, 0.0)
    ((limits, running, tokens, spent),) = rig.meters.running()
    assert (limits, list(running), tokens, spent) == (rig.limits, ["1"], 0, 0)


def test_what_a_provider_says_gives_nothing_back() -> None:
    rig = Rig(KeyLimits(tokens_per_day=100, budget=budget_of("1/day")))
    rig.uses(60, "0.6")
    rig.uses(-1000, "-9")
    assert rig.take(Estimate(prompt=41)) == "tokens"
    assert rig.take(spends("0.1", "0.41")) == "budget"
    rig.uses(10**40, "1e40")
    assert rig.meters.figures(ADA, rig.limits).tokens is not None
