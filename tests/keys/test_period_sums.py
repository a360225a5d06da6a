"""Sums of what was spent by day, week, month and in total, also where the clock jumps."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from addons.keys.limits import PERIODS, Period, period_start
from addons.keys.period_sums import PeriodSums

SUNDAY = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()
DAY_S = 86_400


class Plain:
    """The same, counted anew with every step: where each period under way began, and what was spent in it."""

    def __init__(self) -> None:
        self.costs: dict[Period, tuple[float, int]] = {}
        self.ahead: dict[Period, tuple[float, int]] = {}

    def spent(self, period: Period, now: float) -> int:
        if self.costs and self.costs["day"][0] > now + DAY_S:
            for one, (began, amount) in self.costs.items():
                if began > (start := period_start(one, now)):
                    self.ahead[one], self.costs[one] = (began, amount), (start, amount)
        began, amount = self.costs.get(period, (0.0, 0))
        if (start := period_start(period, now)) <= began:
            return amount
        ahead, before = self.ahead.get(period, (0.0, 0))
        return before if ahead == start else 0

    def add(self, money: int, now: float) -> None:
        found = {period: self.spent(period, now) + money for period in PERIODS}
        for period in PERIODS:
            self.costs[period] = max(period_start(period, now), self.costs.get(period, (0.0, 0))[0]), found[period]


@given(st.lists(st.tuples(st.floats(-3 * DAY_S, 40 * DAY_S), st.integers(1, 10**18), st.booleans()), max_size=40))
def test_each_period_has_what_was_spent_in_it_however_the_clock_jumps(
    steps: list[tuple[float, int, bool]],
) -> None:
    sums, plain, now = PeriodSums(), Plain(), SUNDAY
    for jump_s, money, spends in steps:
        now = max(0.0, now + jump_s)
        if spends:
            sums.add(money, now)
            plain.add(money, now)
        for period in PERIODS:
            assert sums.spent(period, now) == plain.spent(period, now), period


def test_periods_begin_anew_by_the_calendar() -> None:
    sums = PeriodSums()
    sums.add(5, SUNDAY)
    sums.add(6, SUNDAY + DAY_S)  # a Monday
    sums.add(7, SUNDAY + 2 * DAY_S)  # the first of December
    assert [sums.spent(period, SUNDAY + 2 * DAY_S) for period in PERIODS] == [7, 13, 7, 18]
    assert [sums.spent(period, SUNDAY + 3 * DAY_S) for period in PERIODS] == [0, 13, 7, 18]
    assert [sums.spent(period, SUNDAY) for period in PERIODS] == [7, 13, 7, 18], "a clock put back gives nothing away"


def test_a_clock_that_was_years_ahead_has_used_up_the_period_in_which_it_is_set_right() -> None:
    sums = PeriodSums()
    sums.add(5, SUNDAY + 12_000 * DAY_S)
    assert [sums.spent(period, SUNDAY) for period in PERIODS] == [5, 5, 5, 5]
    assert [sums.spent(period, SUNDAY + 3 * DAY_S) for period in PERIODS] == [0, 0, 0, 5]
    sums.add(1, SUNDAY + 3 * DAY_S)
    assert [sums.spent(period, SUNDAY + 3 * DAY_S) for period in PERIODS] == [1, 1, 1, 6]
    assert [sums.spent(period, SUNDAY + 12_000 * DAY_S) for period in PERIODS] == [5, 5, 5, 6], "nothing is given away"


def test_what_was_spent_before_the_start_is_of_the_periods_under_way() -> None:
    sums = PeriodSums()
    sums.add(1, SUNDAY)
    sums.seed({"day": 2, "total": 30}, SUNDAY)
    assert [sums.spent(period, SUNDAY) for period in PERIODS] == [3, 1, 1, 31]
    assert [sums.spent(period, SUNDAY + DAY_S) for period in PERIODS] == [0, 0, 1, 31]
