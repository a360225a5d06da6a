"""The meters of client keys: what each has used, what is under way, and whether there is room for one more request.

A request takes its place and reserves what it may cost before anything is sent; at its end what it did cost is
counted. All of a key's limits are judged in one step without a pause, so no two requests have the same room.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from addons.keys.limits import MOST_DOLLARS, MOST_TOKENS, PERIODS, Budget, KeyLimits, Period, period_end, period_start
from addons.keys.rolling import RollingDay

if TYPE_CHECKING:
    from addons.keys.minute import MovingMinute

NOTHING: Final = Decimal(0)
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


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request may use: tokens of its prompt, and as many as its answer may have, with their costs in USD."""

    prompt: int = 0
    answer: int = 0
    prompt_cost: Decimal = NOTHING
    cost: Decimal = NOTHING
    """Of both."""

    @property
    def tokens(self) -> int:
        return self.prompt + self.answer


@dataclass(frozen=True, slots=True)
class Figures:
    """What is left to a key, for its client. None: no such limit."""

    requests: tuple[int, int, float] | None = None
    """Limit, what is left of it, seconds until all of it is there again."""
    tokens: tuple[int, int, float] | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A request under way. `figures` are those of its beginning."""

    request: str
    """Its id."""
    estimate: Estimate
    figures: Figures


@dataclass(slots=True)
class _Meter:
    """Of one key."""

    limits: KeyLimits
    running: dict[str, Use] = field(default_factory=dict)
    tokens: RollingDay = field(default_factory=RollingDay)
    costs: dict[Period, tuple[float, Decimal]] = field(default_factory=dict)
    """Period → its beginning, and what was spent since."""
    seeded: bool = False
    _minute: "MovingMinute | None" = None

    def minute(self) -> "MovingMinute | None":
        """The requests of the last minute, where those are limited."""
        rpm = self.limits.rpm
        if rpm is None:
            return None
        if self._minute is None:
            from addons.keys.minute import MovingMinute

            self._minute = MovingMinute(rpm)
        elif self._minute.rpm != rpm:
            self._minute = self._minute.with_limit(rpm)
        return self._minute

    @property
    def reserved(self) -> tuple[int, Decimal]:
        """Tokens and USD of the requests under way."""
        uses = self.running.values()
        return sum(use.estimate.tokens for use in uses), sum((use.estimate.cost for use in uses), NOTHING)

    def spent(self, period: Period, now: float) -> Decimal:
        """In the period under way. A clock that was put back leaves it where it is."""
        start, (began, amount) = period_start(period, now), self.costs.get(period, (0.0, NOTHING))
        return amount if start <= began else NOTHING

    def spend(self, cost: Decimal, now: float) -> None:
        for period in PERIODS:
            start = max(period_start(period, now), self.costs.get(period, (0.0, NOTHING))[0])
            self.costs[period] = start, self.spent(period, now) + cost


@dataclass(slots=True)
class KeyMeters:
    """The meters of all keys that have any limits. `clock` is monotonic, `now` tells Unix seconds."""

    clock: Callable[[], float]
    now: Callable[[], float]
    _meters: dict[bytes, _Meter] = field(default_factory=dict)
    _of_request: dict[str, bytes] = field(default_factory=dict)

    def keep(self, limits: Mapping[bytes, KeyLimits]) -> list[bytes]:
        """There are these keys from now on; gives those that are new here. What was used of the others stays."""
        for identity in [one for one, meter in self._meters.items() if one not in limits and not meter.running]:
            del self._meters[identity]
        for identity, own in limits.items():
            if own.metered:
                self._meter(identity, own)
        return [one for one, meter in self._meters.items() if not meter.seeded]

    def seed(self, identity: bytes, tokens: Mapping[float, int], costs: Mapping[Period, Decimal]) -> None:
        """What the key had used before: tokens by their age in seconds, and USD by the period under way."""
        meter, now = self._meters.get(identity), self.now()
        if meter is None or meter.seeded:
            return
        meter.seeded = True
        later, meter.tokens = meter.tokens.total(self.clock()), RollingDay()
        for age_s in sorted(tokens, reverse=True):
            meter.tokens.add(self.clock(), tokens[age_s], age_s)
        meter.tokens.add(self.clock(), later)
        for period, cost in costs.items():
            meter.costs[period] = period_start(period, now), meter.spent(period, now) + cost

    # -- one request --------------------------------------------------------------------------------------------------
    def check(self, identity: bytes, limits: KeyLimits) -> None:
        """Whether there is room for any request at all; takes nothing. Raises OverLimit."""
        if limits.metered:
            meter = self._meter(identity, limits)
            self._judge(meter, Estimate())
            minute = meter.minute()
            if minute is not None and (wait_s := minute.wait_s(self.clock())) > 0:
                raise OverLimit("rpm", wait_s)

    def take(self, identity: bytes, limits: KeyLimits, request: str, estimate: Estimate) -> Use | None:
        """Counts a request in, which ends with `settle`; None for a key without limits. Raises OverLimit."""
        if not limits.metered:
            return None
        meter = self._meter(identity, limits)
        self._judge(meter, estimate)
        self._count_request(meter)  # last: whoever was refused has taken nothing
        meter.running[request] = Use(request, estimate, Figures())
        self._of_request[request] = identity
        use = meter.running[request] = Use(request, estimate, self._figures(meter))
        return use

    def settle(self, request: str, tokens: int, cost: Decimal) -> None:
        """A request is over, and has used that. One that was not counted in changes nothing."""
        identity = self._of_request.pop(request, None)
        if identity is None or (meter := self._meters.get(identity)) is None:
            return
        meter.running.pop(request, None)
        meter.tokens.add(self.clock(), min(tokens, MOST_TOKENS))
        meter.spend(max(NOTHING, min(cost, MOST_DOLLARS)), self.now())  # providers can say anything

    def use(self, request: str) -> Use | None:
        """What was reserved for a request under way; None where nothing was."""
        meter = self._meters.get(self._of_request.get(request, b""))
        return meter.running.get(request) if meter is not None else None

    def figures(self, identity: bytes, limits: KeyLimits) -> Figures:
        """What is left to a key now."""
        return self._figures(self._meter(identity, limits)) if limits.metered else Figures()

    def running(self) -> Iterator[tuple[KeyLimits, Mapping[str, Use], int, Decimal]]:
        """Of each key that has requests under way: its limits, those, and what was used of tokens and budget before."""
        for meter in self._meters.values():
            if meter.running:
                budget = meter.limits.budget
                spent = meter.spent(budget.period, self.now()) if budget is not None else NOTHING
                yield meter.limits, meter.running, meter.tokens.total(self.clock()), spent

    # -- inside -------------------------------------------------------------------------------------------------------
    def _meter(self, identity: bytes, limits: KeyLimits) -> _Meter:
        meter = self._meters.get(identity)
        if meter is None:
            meter = self._meters[identity] = _Meter(limits)
        meter.limits = limits
        return meter

    def _judge(self, meter: _Meter, estimate: Estimate) -> None:
        """Raises OverLimit. All but the number of requests a minute."""
        limits = meter.limits
        if limits.concurrent is not None and len(meter.running) >= limits.concurrent:
            raise OverLimit("concurrent", SOON_S)
        if limits.tokens_per_day is None and limits.budget is None:
            return
        reserved, reserved_cost = meter.reserved
        if limits.tokens_per_day is not None:
            self._judge_tokens(meter, limits.tokens_per_day, reserved, estimate)
        if limits.budget is not None:
            self._judge_budget(meter, limits.budget, reserved_cost, estimate)

    def _judge_tokens(self, meter: _Meter, most: int, reserved: int, estimate: Estimate) -> None:
        """The prompt must fit in any case; how long an answer gets nobody knows, so one alone may have what is left."""
        used = meter.tokens.total(self.clock())
        alone_or_fits = not reserved or used + reserved + estimate.tokens <= most
        if used < most and used + reserved + estimate.prompt <= most and alone_or_fits:
            return
        if reserved and used < most and used + estimate.prompt <= most:
            raise OverLimit("reserved", SOON_S)
        raise OverLimit("tokens", meter.tokens.wait_s(self.clock(), most - max(1, estimate.prompt)))

    def _judge_budget(self, meter: _Meter, budget: Budget, reserved: Decimal, estimate: Estimate) -> None:
        """As with tokens."""
        used, most = meter.spent(budget.period, self.now()), budget.amount
        alone_or_fits = not reserved or used + reserved + estimate.cost <= most
        if used < most and used + reserved + estimate.prompt_cost <= most and alone_or_fits:
            return
        if reserved and used < most and used + estimate.prompt_cost <= most:
            raise OverLimit("reserved", SOON_S)
        end = period_end(budget.period, self.now())
        raise OverLimit("budget", end - self.now() if end is not None else None)

    def _count_request(self, meter: _Meter) -> None:
        """Raises OverLimit."""
        minute = meter.minute()
        if minute is not None and not minute.take(self.clock()):
            raise OverLimit("rpm", minute.wait_s(self.clock()))

    def _figures(self, meter: _Meter) -> Figures:
        limits, now, requests, tokens = meter.limits, self.clock(), None, None
        if (minute := meter.minute()) is not None:
            requests = minute.rpm, minute.left(now), minute.full_s(now)
        if limits.tokens_per_day is not None:
            left = limits.tokens_per_day - meter.tokens.total(now) - meter.reserved[0]
            tokens = limits.tokens_per_day, max(0, left), meter.tokens.wait_s(now, 0) or 0.0
        return Figures(requests, tokens)
