"""Cool-downs: an account, or one model of it, that the site has limited is not asked before its time. Pure."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

KNOWN_LIMIT: Final = 2000
"""Cool-downs remembered; what ended, or ends, first is forgotten first. A site may rename its models every day."""
LONGEST_S: Final = 31 * 86_400.0
"""No allowance is counted over more than a month."""


@dataclass(frozen=True, slots=True)
class CooldownRules:
    """How long, where the site names no time: doubling from `base_s` with every limit in a row."""

    base_s: float = 15.0
    max_s: float = 600.0
    """Also where the site names a longer time; only the reset of an allowance may be later, up to LONGEST_S."""


@dataclass(frozen=True, slots=True)
class Cooldown:
    """One cool-down. `until` in Unix seconds, so that it can be written down; `length_s` guards against a set clock."""

    until: float
    length_s: float
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

    def limited(self, key: K, named_s: float | None, *, allowance: bool = False) -> Cooldown:
        """The site has limited `key`, for `named_s` seconds if it said so; `allowance`: until a quota's reset."""
        before = self.known.get(key)
        strikes = before.strikes + 1 if before else 1
        longest = LONGEST_S if allowance and named_s is not None else self.rules.max_s
        doubled = self.rules.base_s * 2.0 ** min(strikes - 1, 60)
        length = min(doubled if named_s is None else named_s, longest)
        self.known[key] = found = Cooldown(self.now() + length, length, strikes)
        if len(self.known) > KNOWN_LIMIT:
            del self.known[min(self.known, key=lambda one: self.known[one].until)]
        return found

    def lifted(self, key: K) -> None:
        """The site answers again."""
        self.known.pop(key, None)
