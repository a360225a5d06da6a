"""The moving minute of a key's requests, by the library pyrate-limiter, which is imported with this file: where a key
has such a limit. Times are of one monotonic clock, in seconds."""

from typing import Final, Self

from pyrate_limiter import InMemoryBucket, Rate, RateItem

_MINUTE_MS: Final = 60_000


class MovingMinute:
    """At most `rpm` requests in any 60 seconds, exactly, to the millisecond."""

    __slots__ = ("_bucket", "rpm")

    whole_s: Final = (_MINUTE_MS + 1) / 1000
    """How long a request counts: for its own millisecond, too."""

    def __init__(self, rpm: int) -> None:
        self.rpm: Final = rpm
        self._bucket = InMemoryBucket([Rate(rpm, _MINUTE_MS)])

    def with_limit(self, rpm: int) -> Self:
        """The same requests under another limit."""
        other = type(self)(rpm)
        other._bucket.items = self._bucket.items
        return other

    def take(self, now: float) -> int | None:
        """Counts one more request, if it may begin: how many more may then. None: it may not."""
        bucket = self._bucket
        bucket.leak(_ms(now))
        if not bucket.put(RateItem("", _ms(now))):
            return None
        return self.rpm - bucket.count()

    def left(self, now: float) -> int:
        """How many more may begin now."""
        self._bucket.leak(_ms(now))
        return max(0, self.rpm - self._bucket.count())

    def wait_s(self, now: float) -> float:
        """How long until one more may begin; 0: now."""
        if self.left(now) > 0 or (blocking := self._bucket.peek(self.rpm - 1)) is None:
            return 0.0
        return self._leaves_s(blocking, now)

    def full_s(self, now: float) -> float:
        """How long until as many may begin as ever."""
        newest = self._bucket.peek(0)
        return self._leaves_s(newest, now) if newest is not None else 0.0

    @staticmethod
    def _leaves_s(item: RateItem, now: float) -> float:
        return max(0, item.timestamp + _MINUTE_MS + 1 - _ms(now)) / 1000


def _ms(now: float) -> int:
    return int(now * 1000)
