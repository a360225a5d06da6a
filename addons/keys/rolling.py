"""A sum over the last 24 hours, kept by the minute. Pure."""

from collections import deque
from typing import Final

DAY_S: Final = 86_400
_STEP_S: Final = 60


class RollingDay:
    """What was added in the last 24 hours, and up to a minute of what lies before: never less than it was.

    Times are of one monotonic clock, in seconds.
    """

    __slots__ = ("_steps", "_total")

    def __init__(self) -> None:
        self._steps: deque[tuple[int, int]] = deque()
        """Minute → what was added in it; 1,442 at most."""
        self._total = 0

    def add(self, now: float, amount: int, age_s: float = 0) -> None:
        """`age_s`: it was used so long ago; only at the beginning, oldest first."""
        if amount <= 0:
            return
        step = int((now - age_s) // _STEP_S)
        if self._steps and step <= self._steps[-1][0]:
            step, before = self._steps.pop()
            self._steps.append((step, before + amount))
        else:
            self._steps.append((step, amount))
        self._total += amount

    def total(self, now: float) -> int:
        while self._steps and _leaves(self._steps[0][0]) <= now:
            self._total -= self._steps.popleft()[1]
        return self._total

    def wait_s(self, now: float, most: int) -> float | None:
        """How long until no more than `most` is left; None where that never comes (`most` below nothing)."""
        left = self.total(now)
        if left <= most:
            return 0.0
        for step, amount in self._steps:
            left -= amount
            if left <= most:
                return _leaves(step) - now
        return None


def _leaves(step: int) -> float:
    return (step + 1) * _STEP_S + DAY_S
