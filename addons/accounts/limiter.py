"""The way into one account: so many requests at once, so fast, in order of arrival.

People's accounts get limited when a program uses them like a machine. A limiter lets in at most `max_concurrent`
requests, keeps `min_interval_s` between two starts, and counts starts per minute and per day.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0


class LimiterFull(Exception):
    """No room within the time that may be waited. `retry_after_s` says when there may be, where that is known."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("the account is busy")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What one account bears. None: no limit."""

    max_concurrent: int = 2
    queue_s: float = 30.0
    """How long a request may wait for its turn."""
    min_interval_s: float = 0.0
    per_minute: int | None = None
    per_day: int | None = None


@dataclass(slots=True)
class AccountLimiter:
    """`clock` is monotonic, in seconds; waiting needs a running event loop."""

    limits: RateLimits
    clock: Callable[[], float]
    busy: int = 0
    _queue: deque[asyncio.Future[None]] = field(default_factory=deque)
    _starts: deque[float] = field(default_factory=deque)
    _timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Whether a request would get in without waiting."""
        return not self._queue and self._open_in() <= 0

    @property
    def load(self) -> float:
        """How full it is: requests under way and waiting, by its room."""
        return (self.busy + self.waiting) / self.limits.max_concurrent

    async def acquire(self) -> None:
        """Waits for a place. Raises LimiterFull at once when none can come in time, else after `queue_s`."""
        if self.has_room:
            self._begin()
            return
        pause = self._pace_in()
        if pause > self.limits.queue_s or self.limits.queue_s <= 0:
            raise LimiterFull(pause or None)
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._wake_later()
        try:
            async with asyncio.timeout(self.limits.queue_s):
                await turn
        except BaseException as e:
            if turn.done() and not turn.cancelled():
                self.release()  # the turn came in the moment of giving up: the next one shall have it
            elif turn in self._queue:
                self._queue.remove(turn)
            if isinstance(e, TimeoutError):
                raise LimiterFull(self._pace_in() or None) from None
            raise

    def release(self) -> None:
        """A request that got a place is over."""
        self.busy -= 1
        self._let_in()

    def starts_today(self) -> list[float]:
        """When the requests of the last day began, oldest first, by the clock."""
        self._forget_old()
        return list(self._starts)

    def remember(self, starts: list[float]) -> None:
        """Takes over starts from before (of an earlier process, on this clock), oldest first."""
        self._starts = deque(sorted([*starts, *self._starts]))

    # -- inside ---------------------------------------------------------------------------------------------------
    def _begin(self) -> None:
        self.busy += 1
        self._starts.append(self.clock())

    def _let_in(self) -> None:
        """Gives turns to those who wait, as far as there is room; else sees to it that somebody looks again."""
        while self._queue and self._open_in() <= 0:
            turn = self._queue.popleft()
            if not turn.done():
                self._begin()
                turn.set_result(None)
        self._wake_later()

    def _wake_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pause = self._pace_in()
        if self._queue and self.busy < self.limits.max_concurrent and pause > 0:
            self._timer = asyncio.get_running_loop().call_later(pause, self._let_in)

    def _open_in(self) -> float:
        """Seconds until the next may start; infinite while there is no room."""
        return self._pace_in() if self.busy < self.limits.max_concurrent else float("inf")

    def _pace_in(self) -> float:
        """Seconds until the pace allows another start."""
        self._forget_old()
        now, starts, limits = self.clock(), self._starts, self.limits
        waits = [0.0]
        if starts:
            waits.append(starts[-1] + limits.min_interval_s - now)
        if limits.per_minute is not None and len(starts) >= limits.per_minute:
            waits.append(starts[-limits.per_minute] + MINUTE_S - now)
        if limits.per_day is not None and len(starts) >= limits.per_day:
            waits.append(starts[-limits.per_day] + DAY_S - now)
        return max(waits)

    def _forget_old(self) -> None:
        """Keeps no more starts than the limits need."""
        keep_s = DAY_S if self.limits.per_day is not None else MINUTE_S if self.limits.per_minute is not None else 0.0
        now = self.clock()
        while len(self._starts) > 1 and now - self._starts[0] >= keep_s:
            self._starts.popleft()
