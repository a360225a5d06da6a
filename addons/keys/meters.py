"""The meters of client keys: what each has used, what is under way, and whether there is room for one more request.

A request takes its place and reserves what it may cost before anything is sent; at its end what it did cost is
counted. All of a key's limits are judged in one step without a pause, so no two requests have the same room.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from addons.keys.limits import MOST_DOLLARS, MOST_TOKENS, KeyLimits, Period
from addons.keys.meter import Estimate, Figures, Meter
from addons.keys.rolling import RollingDay
from providers.contract.price import Money, money_of

_MOST_MONEY: Final = money_of(MOST_DOLLARS)


class Use(NamedTuple):
    """A request under way. `figures` are those of its beginning."""

    request: str
    """Its id."""
    estimate: Estimate
    figures: Figures
    meter: Meter


class KeyUnderWay(NamedTuple):
    """A key that has requests under way, and what it has used of tokens and budget before them."""

    limits: KeyLimits
    running: Mapping[str, Use]
    tokens: int
    spent: Money


@dataclass(slots=True)
class KeyMeters:
    """The meters of all keys that have any limits. `clock` is monotonic, `now` tells Unix seconds."""

    clock: Callable[[], float]
    now: Callable[[], float]
    _meters: dict[bytes, Meter] = field(default_factory=dict)
    _under_way: dict[str, Use] = field(default_factory=dict)
    """By the request's id."""

    def keep(self, limits: Mapping[bytes, KeyLimits]) -> list[bytes]:
        """There are these keys from now on; gives those that are new here. What was used of the others stays."""
        for identity in [one for one, meter in self._meters.items() if one not in limits and not meter.under_way]:
            del self._meters[identity]
        for identity, own in limits.items():
            if own.metered:
                self._meter(identity, own)
        return [one for one, meter in self._meters.items() if not meter.seeded]

    def seed(self, identity: bytes, tokens: Mapping[float, int], costs: Mapping[Period, Money]) -> None:
        """What the key had used before: tokens by their age in seconds, and money by the period under way."""
        meter = self._meters.get(identity)
        if meter is None or meter.seeded:
            return
        meter.seeded = True
        later, meter.tokens = meter.tokens.total(self.clock()), RollingDay()
        for age_s in sorted(tokens, reverse=True):
            meter.tokens.add(self.clock(), tokens[age_s], age_s)
        meter.tokens.add(self.clock(), later)
        meter.costs.seed(costs, self.now())

    # -- one request --------------------------------------------------------------------------------------------------
    def check(self, identity: bytes, limits: KeyLimits) -> None:
        """Whether there is room for any request at all; takes nothing. Raises OverLimit."""
        if limits.metered:
            self._meter(identity, limits).check()

    def take(self, identity: bytes, limits: KeyLimits, request: str, estimate: Estimate) -> Use | None:
        """Counts a request in, which ends with `settle`; None for a key without limits. Raises OverLimit."""
        if not limits.metered:
            return None
        meter = self._meter(identity, limits)
        use = self._under_way[request] = Use(request, estimate, meter.begin(estimate), meter)
        return use

    def settle(self, request: str, tokens: int, cost: Money) -> None:
        """A request is over, and has used that. One that was not counted in changes nothing."""
        use = self._under_way.pop(request, None)
        if use is not None:  # providers can say anything
            use.meter.end(use.estimate, min(tokens, MOST_TOKENS), max(0, min(cost, _MOST_MONEY)))

    def use(self, request: str) -> Use | None:
        """What was reserved for a request under way; None where nothing was."""
        return self._under_way.get(request)

    def figures(self, identity: bytes, limits: KeyLimits) -> Figures:
        """What is left to a key now."""
        return self._meter(identity, limits).figures() if limits.metered else Figures()

    def running(self) -> Iterator[KeyUnderWay]:
        """Each key that has requests under way."""
        found: dict[Meter, dict[str, Use]] = {}
        for request, use in self._under_way.items():
            found.setdefault(use.meter, {})[request] = use
        for meter, uses in found.items():
            yield KeyUnderWay(meter.limits, uses, meter.used(), meter.spent())

    def _meter(self, identity: bytes, limits: KeyLimits) -> Meter:
        meter = self._meters.get(identity)
        if meter is None:
            meter = self._meters[identity] = Meter(limits, self.clock, self.now)
        elif meter.limits is not limits:
            meter.take_up(limits)
        return meter
