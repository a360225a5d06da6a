"""The meter of one client key: what it has used, what is reserved, and whether there is room for one more request."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from addons.keys.limits import KeyLimits, Period, period_end
from addons.keys.period_sums import PeriodSums
from addons.keys.rolling import RollingDay
from providers.contract.price import Money, money_of

if TYPE_CHECKING:
    from addons.keys.minute import MovingMinute

SOON_S: Final = 1.0
"""When to ask again where a request that is under way may leave room."""

type Which = Literal["rpm", "concurrent", "tokens", "budget", "reserved"]
"""`reserved`: what is left is reserved for requests under way, which may not need it."""


class OverLimit(Exception):
    """There is no room for the request. `retry_after_s`: when there may be; None where that is not known."""

    def __init__(self, which: Which, retry_after_s: float | None) -> None:
        super().__init__(which)
        self.which: Which = which
        self.retry_after_s = retry_after_s


class Estimate(NamedTuple):
    """What a request may use: tokens of its prompt, and as many as its answer may have, with their costs."""

    prompt: int = 0
    answer: int = 0
    prompt_cost: Money = 0
    cost: Money = 0
    """Of both."""

    @property
    def tokens(self) -> int:
        return self.prompt + self.answer


NO_USE: Final = Estimate()


class Figures(NamedTuple):
    """What is left to a key, for its client. None: no such limit."""

    requests: tuple[int, int, float] | None = None
    """Limit, what is left of it, seconds until all of it is there again."""
    tokens: tuple[int, int, float] | None = None


class Meter:
    """Of one key. `clock` is monotonic, `now` tells Unix seconds; every step of it is one without a pause."""

    def __init__(self, limits: KeyLimits, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self._clock, self._now = clock, now
        self.seeded = False
        """It is known what the key had used before the start."""
        self.under_way = 0
        self.reserved = 0
        """Tokens of the requests under way."""
        self.reserved_cost: Money = 0
        self.tokens = RollingDay()
        self.costs = PeriodSums()
        self._minute: MovingMinute | None = None
        self.limits = limits
        self.take_up(limits)

    def take_up(self, limits: KeyLimits) -> None:
        """These limits hold from now on; what was used is counted under them."""
        self.limits = limits
        self._concurrent = math.inf if limits.concurrent is None else limits.concurrent
        self._most_tokens = limits.tokens_per_day
        self._most_cost = money_of(limits.budget.amount) if limits.budget is not None else None
        self._period: Period = limits.budget.period if limits.budget is not None else "total"
        if limits.rpm is None:
            return
        if self._minute is None:
            from addons.keys.minute import MovingMinute  # (its library is for those who have such a limit)

            self._minute = MovingMinute(limits.rpm)
        elif self._minute.rpm != limits.rpm:
            self._minute = self._minute.with_limit(limits.rpm)

    # -- one request --------------------------------------------------------------------------------------------------
    def check(self) -> None:
        """Whether there is room for any request at all; takes nothing. Raises OverLimit."""
        now = self._clock()
        self._judge(NO_USE, now)
        if self.limits.rpm is not None and (minute := self._minute) is not None and minute.left(now) <= 0:
            raise OverLimit("rpm", minute.wait_s(now))

    def begin(self, estimate: Estimate) -> Figures:
        """Counts a request in, and gives what is left then. Raises OverLimit; whoever was refused has taken nothing."""
        now = self._clock()
        self._judge(estimate, now)
        requests = None
        if (rpm := self.limits.rpm) is not None and (minute := self._minute) is not None:
            if (left := minute.take(now)) is None:
                raise OverLimit("rpm", minute.wait_s(now))
            requests = rpm, left, minute.whole_s
        self.under_way += 1
        self.reserved += estimate.prompt + estimate.answer
        self.reserved_cost += estimate.cost
        return Figures(requests, self._tokens_left(now))

    def end(self, estimate: Estimate, tokens: int, cost: Money) -> None:
        """A request is over, which was counted in with this estimate, and has used that."""
        self.under_way -= 1
        self.reserved -= estimate.prompt + estimate.answer
        self.reserved_cost -= estimate.cost
        if tokens:
            self.tokens.add(self._clock(), tokens)
        if cost:
            self.costs.add(cost, self._now())

    # -- what is told of it -------------------------------------------------------------------------------------------
    def used(self) -> int:
        """Tokens of the last day."""
        return self.tokens.total(self._clock())

    def spent(self) -> Money:
        """In the period of the budget; nothing where there is none."""
        return self.costs.spent(self._period, self._now()) if self._most_cost is not None else 0

    def figures(self) -> Figures:
        """What is left now."""
        now, requests = self._clock(), None
        if (rpm := self.limits.rpm) is not None and (minute := self._minute) is not None:
            requests = rpm, minute.left(now), minute.full_s(now)
        return Figures(requests, self._tokens_left(now))

    def _tokens_left(self, now: float) -> tuple[int, int, float] | None:
        if (most := self._most_tokens) is None:
            return None
        left = most - self.tokens.total(now) - self.reserved
        return most, left if left > 0 else 0, self.tokens.empty_s(now)

    # -- inside -------------------------------------------------------------------------------------------------------
    def _judge(self, estimate: Estimate, now: float) -> None:
        """Raises OverLimit. All but the number of requests a minute; `now` is by the monotonic clock."""
        if self.under_way >= self._concurrent:
            raise OverLimit("concurrent", SOON_S)
        prompt, answer, prompt_cost, cost = estimate
        if (most := self._most_tokens) is not None:
            used = self.tokens.total(now)
            if used + self.reserved + prompt + answer >= most:
                self._judge_nearly_used_up("tokens", most, used, self.reserved, prompt, prompt + answer)
        if (most := self._most_cost) is not None:
            spent = self.costs.spent(self._period, self._now())
            if spent + self.reserved_cost + max(prompt_cost, cost) >= most:
                self._judge_nearly_used_up("budget", most, spent, self.reserved_cost, prompt_cost, cost)

    def _judge_nearly_used_up(
        self, which: Literal["tokens", "budget"], most: int, used: int, reserved: int, prompt: int, whole: int
    ) -> None:
        """Raises OverLimit. The prompt must fit in any case; how long an answer gets nobody knows, so one that is alone
        may have what is left."""
        alone_or_fits = not reserved or used + reserved + whole <= most
        if used < most and used + reserved + prompt <= most and alone_or_fits:
            return
        if reserved and used < most and used + prompt <= most:
            raise OverLimit("reserved", SOON_S)
        if which == "tokens":
            raise OverLimit("tokens", self.tokens.wait_s(self._clock(), most - max(1, prompt)))
        now = self._now()
        end = period_end(self._period, now)
        raise OverLimit("budget", end - now if end is not None else None)
