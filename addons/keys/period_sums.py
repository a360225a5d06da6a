"""What a key has spent in the day, the week and the month under way, and in total. Pure."""

from collections.abc import Mapping
from typing import Final

from addons.keys.limits import PERIODS, Period, period_start
from providers.contract.price import Money

DAY_S: Final = 86_400


class PeriodSums:
    """Sums by period. Times are Unix seconds.

    A clock that was put back leaves each period where it is. Put back by more than a day, those under way are the ones
    of now, which had it all: else they would not end before that time comes again. It is remembered for then.
    """

    __slots__ = ("_ahead", "_began", "_sums", "_today", "_until")

    def __init__(self) -> None:
        self._sums: dict[Period, Money] = dict.fromkeys(PERIODS, 0)
        """Of each period under way, without what was added today."""
        self._began: dict[Period, float] = dict.fromkeys(PERIODS, 0.0)
        self._today: Money = 0
        self._until = 0.0
        """The end of that day, in UTC: until then no other period begins."""
        self._ahead: dict[Period, tuple[float, Money]] = {}
        """Of periods that were under way before the clock was put back: their beginning, and what was spent in them."""

    def spent(self, period: Period, now: float) -> Money:
        """In the period under way."""
        if now < self._until - 2 * DAY_S:
            self._go_back(now)
        if now < self._until or (start := period_start(period, now)) <= self._began[period]:
            return self._sums[period] + self._today
        return self._before(period, start)

    def add(self, money: Money, now: float) -> None:
        """So much was spent now."""
        if now < self._until - 2 * DAY_S:
            self._go_back(now)
        if now >= self._until:
            self._move_on(now)
        self._today += money

    def seed(self, spent: Mapping[Period, Money], now: float) -> None:
        """So much was spent before, in each of these periods under way."""
        self._move_on(now)
        for period, money in spent.items():
            self._sums[period] += money

    def _move_on(self, now: float) -> None:
        """Puts the day before away, and begins the periods that begin with this one."""
        for period in PERIODS:
            self._sums[period] += self._today
            if (start := period_start(period, now)) > self._began[period]:
                self._began[period], self._sums[period] = start, self._before(period, start)
        self._today, self._until = 0, max(self._until, (now // DAY_S + 1) * DAY_S)

    def _go_back(self, now: float) -> None:
        """Makes the periods under way those of a time before them."""
        for period in PERIODS:
            self._sums[period] += self._today
            if (start := period_start(period, now)) < (began := self._began[period]):
                self._ahead[period] = began, self._sums[period]
                self._began[period] = start
        self._today, self._until = 0, (now // DAY_S + 1) * DAY_S

    def _before(self, period: Period, start: float) -> Money:
        """What was spent in the period that begins then, before the clock was put back."""
        began, money = self._ahead.get(period, (0.0, 0))
        return money if began == start else 0
