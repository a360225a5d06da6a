"""One series of a metric: a counter, or a histogram. Written on the event loop alone, read by whoever renders.

They stand in for those of prometheus-client, which take a lock and several calls for each number: a request counts some
fifteen of them. A reader in another thread may find one number of a request without the next, as there.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import inf
from typing import ClassVar, Final

from prometheus_client.utils import floatToGoString

type Sample = tuple[str, Mapping[str, str], float]
"""A number of a series: what follows the metric's name, labels besides the series' own, the value."""


class Counter:
    """A number that only grows."""

    KIND: ClassVar = "counter"
    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        self._value += amount

    def samples(self) -> Iterator[Sample]:
        yield "_total", {}, self._value


class Histogram:
    """How many amounts were at most so large, for each of some bounds, and their sum."""

    KIND: ClassVar = "histogram"
    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` are in ascending order; behind the last is a bucket more."""
        self._bounds: Final = bounds
        self._counts: Final = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, amount: float) -> None:
        self._sum += amount
        self._counts[bisect_left(self._bounds, amount)] += 1

    def samples(self) -> Iterator[Sample]:
        counts = list(accumulate(self._counts.copy()))  # a copy: all buckets are of one moment
        for bound, count in zip((*self._bounds, inf), counts, strict=True):
            yield "_bucket", {"le": floatToGoString(bound)}, count  # type: ignore[no-untyped-call]
        yield "_count", {}, counts[-1]
        yield "_sum", {}, self._sum
