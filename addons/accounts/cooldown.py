"""Cool-downs: an account, or one model of it, that the site has limited is not asked before its time. Pure."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from addons.accounts.breaker import BreakerRules
from providers.contract.errors import ErrorKind, ProviderError
from providers.shared.retry_after import LONGEST_S

LIMITS: Final = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.QUOTA})
"""What an account, or one model of it, rests for."""
KNOWN_LIMIT: Final = 500
"""Cool-downs of one account remembered; what ended, or ends, first is forgotten first. A site may rename its models
every day."""

CHALLENGE_REST: Final = BreakerRules(failures=1, open_s=300.0, open_max_s=4 * 3600.0)
"""An account whose site wants a human: the first challenge opens it for five minutes, each later one for twice as long.
One request tries it then; every one that meets the check again makes the site surer of a machine."""


@dataclass(frozen=True, slots=True)
class CooldownRules:
    """How long, where the site names no time: doubling from `base_s` with every limit in a row."""

    base_s: float = 15.0
    max_s: float = 600.0
    """Also where the site names a longer time; only the reset of an allowance may be later, up to LONGEST_S."""


def rest_s(error: ProviderError, rules: CooldownRules, strikes: int = 1) -> float:
    """How long a limit keeps an account or a model from being asked: the one rule for every provider's.

    `strikes` counts limits in a row, this one included.
    """
    named = error.retry_after_s
    if named is None or not 0 < named < math.inf:
        return min(rules.base_s * 2.0 ** min(strikes - 1, 60), rules.max_s)
    return min(named, LONGEST_S if error.kind is ErrorKind.QUOTA else rules.max_s)


@dataclass(frozen=True, slots=True)
class Cooldown:
    """One cool-down. `until` in Unix seconds, so that it can be written down; `length_s` guards against a set clock."""

    until: float
    length_s: float
    error: ProviderError
    """How the site said it."""
    strikes: int = 1

    def left_s(self, now: float) -> float:
        left = self.until - now
        return left if 0 < left <= self.length_s + 1 else 0.0


@dataclass(slots=True)
class Cooldowns[K: Hashable]:
    """Cool-downs by key. `now` gives Unix seconds."""

    rules: CooldownRules
    now: Callable[[], float]
    known: dict[K, Cooldown] = field(default_factory=dict)

    def left_s(self, key: K) -> float:
        found = self.known.get(key)
        return found.left_s(self.now()) if found else 0.0

    def limited(self, key: K, error: ProviderError) -> Cooldown:
        """The site has limited `key`."""
        before = self.known.get(key)
        strikes = before.strikes + 1 if before else 1
        length = rest_s(error, self.rules, strikes)
        self.known[key] = found = Cooldown(self.now() + length, length, error, strikes)
        if len(self.known) > KNOWN_LIMIT:
            del self.known[min(self.known, key=lambda one: self.known[one].until)]
        return found

    def resume(self, key: K, until: float, error: ProviderError) -> None:
        """One that began in an earlier process and ends at `until`."""
        if (left := until - self.now()) > 0:
            self.known[key] = Cooldown(until, left, error)

    def lifted(self, key: K) -> None:
        """The site answers again."""
        self.known.pop(key, None)
