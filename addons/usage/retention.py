"""How long requests stay in the ledger, and whether the clock is to be believed that says so. Pure.

A machine whose clock is wrong at its boot, by years, would have all requests deleted before somebody sets it right. So
nothing is deleted on the word of a clock that is far beyond what the ledger itself has, until it has gone on for long.
"""

from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400.0
LONGEST_GAP_S: Final = 31 * DAY_S
"""So long may nobody have asked anything without the clock being doubted; or for half of the retention."""
MOST_DRIFT_S: Final = 3600.0
"""A clock that goes so far from the monotonic one has been set."""


@dataclass(frozen=True, slots=True)
class Retention:
    """One pass over the ledger: requests that are older than `keep_s` at `now` (Unix seconds) are to go."""

    now: float
    keep_s: float
    steady: bool = False
    """The clock has gone on for a day, or for `keep_s` where that is less, without being set."""

    @property
    def before_ms(self) -> int:
        """What is older goes."""
        return round((self.now - self.keep_s) * 1000)

    @property
    def known_ms(self) -> int:
        """Requests from before this show whether the clock is right: those of a clock gone wrong are newer."""
        return round((self.now - min(DAY_S, self.keep_s)) * 1000)

    def gap_s(self, newest_ms: int) -> float:
        """How long before `known_ms` nothing was asked, by the newest request from before it."""
        return (self.known_ms - newest_ms) / 1000

    def believes(self, newest_ms: int) -> bool:
        """Whether the clock is believed, by the newest request from before `known_ms`."""
        return self.steady or self.gap_s(newest_ms) <= min(self.keep_s / 2, LONGEST_GAP_S)


@dataclass(slots=True)
class SteadyClock:
    """Says for how long a clock has gone on without being set. Both times in seconds, one of them monotonic."""

    _offset: float = 0.0
    _since: float | None = None

    def steady_s(self, now: float, monotonic: float) -> float:
        """Since it was first looked at, or set. A machine that has slept looks like a clock that was set."""
        offset = now - monotonic
        if self._since is None or abs(offset - self._offset) > MOST_DRIFT_S:
            self._offset, self._since = offset, monotonic
        return monotonic - self._since
