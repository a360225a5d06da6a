"""The moving minute of a key's requests. Pure; times are of one monotonic clock, in seconds."""

from collections import deque
from typing import Final, Self

_MINUTE_MS: Final = 60_000
WHOLE_S: Final = (_MINUTE_MS + 1) / 1000
"""How long a request counts: for its own millisecond, too."""


class MovingMinute:
    """At most `rpm` requests in any 60 seconds, exactly: the time of each is kept for so long, to the millisecond."""

    __slots__ = ("_times", "rpm")

    def __init__(self, rpm: int) -> None:
        self.rpm: Final = rpm
        self._times: deque[int] = deque()
        """In milliseconds, oldest first."""

    def with_limit(self, rpm: int) -> Self:
        """The same requests under another limit."""
        other = type(self)(rpm)
        other._times = self._times
        return other

    def take(self, now: float) -> int | None:
        """Counts one more request, if it may begin: how many more may then. None: it may not."""
        left = self.left(now)
        if left <= 0:
            return None
        self._times.append(int(now * 1000))
        return left - 1

    def left(self, now: float) -> int:
        """How many more may begin now."""
        times, oldest = self._times, int(now * 1000) - _MINUTE_MS
        while times and times[0] < oldest:
            times.popleft()
        return max(0, self.rpm - len(times))

    def wait_s(self, now: float) -> float:
        """How long until one more may begin; 0: now."""
        return 0.0 if self.left(now) > 0 else _leaves_s(self._times[-self.rpm], now)

    def full_s(self, now: float) -> float:
        """How long until as many may begin as ever."""
        return _leaves_s(self._times[-1], now) if self._times else 0.0


def _leaves_s(time_ms: int, now: float) -> float:
    return max(0, time_ms + _MINUTE_MS + 1 - int(now * 1000)) / 1000
