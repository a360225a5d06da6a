"""A sum over the last 24 hours, kept by the minute. Pure."""

import math
from collections import deque
from typing import Final

DAY_S: Final = 86_400
_STEP_S: Final = 60


class RollingDay:
    """What was added in the last 24 hours, and up to a minute of what lies before: never less than it was.

    Times are of one monotonic clock, in seconds.
    """

    __slots__ = ("_holds_until", "_steps", "_total")

    def __init__(self) -> None:
        self._steps: deque[list[int]] = deque()
        """Minute, and what was added in it; 1,442 at most."""
        self._total = 0
        self._holds_until = math.inf
        """When the oldest of them leaves."""

    def add(self, now: float, amount: int, age_s: float = 0) -> None:
        """`age_s`: it was used so long ago; only at the beginning, oldest first."""
        if amount <= 0:
            return
        step, steps = int((now - age_s) // _STEP_S), self._steps
        if steps and step <= steps[-1][0]:
            steps[-1][1] += amount
        else:
            steps.append([step, amount])
            if len(steps) == 1:
                self._holds_until = _leaves(step)
        self._total += amount

    def total(self, now: float) -> int:
        if now >= self._holds_until:
            self._leave(now)
        return self._total

    def _leave(self, now: float) -> None:
        steps = self._steps
        while steps and _leaves(steps[0][0]) <= now:
            self._total -= steps.popleft()[1]
        self._holds_until = _leaves(steps[0][0]) if steps else math.inf

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

    def empty_s(self, now: float) -> float:
        """How long until nothing is left of it."""
        return _leaves(self._steps[-1][0]) - now if self.total(now) else 0.0


def _leaves(step: int) -> float:
    return (step + 1) * _STEP_S + DAY_S
