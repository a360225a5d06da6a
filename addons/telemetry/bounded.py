"""A metric with labels whose series are bounded: what is beyond counts under `other`."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from addons.telemetry.series import Counter, Histogram

OTHER: Final = "other"
"""The value of a label for what has no series of its own."""
LABEL_CHARS: Final = 200


class Family[Series: (Counter, Histogram)](Collector):
    """The series of one metric by their labels' values, as a collector of a registry.

    Beyond `most` of them all labels are `other`. Series that are held elsewhere count until `keep` is called.
    """

    def __init__(self, name: str, about: str, labels: tuple[str, ...], most: int, make: Callable[[], Series]) -> None:
        """`make` makes a new series. `name` has the end that Prometheus wants of counters (`_total`), or not."""
        self.name: Final = name.removesuffix("_total")
        self.labels: Final = labels
        self._about: Final = about
        self._most: Final = most
        self._make: Final[Callable[[], Series]] = make
        self._kind: Final[str] = make().KIND
        self._by_values: dict[tuple[str, ...], Series] = {}
        self._by_printed: dict[tuple[str, ...], Series] = {}
        """Two names that are written alike share their series."""

    def __len__(self) -> int:
        return len(self._by_values)

    def of(self, *values: str) -> Series:
        """The series for these values, in the order of the labels."""
        found = self._by_values.get(values)
        return self._new(values) if found is None else found

    def _new(self, values: tuple[str, ...]) -> Series:
        if len(self._by_values) >= self._most:
            values = (OTHER,) * len(values)
            if (found := self._by_values.get(values)) is not None:
                return found
        printed = tuple(map(_printable, values))
        made = self._by_values[values] = self._by_printed.setdefault(printed, self._make())
        return made

    def keep(self, stand: Callable[[tuple[str, ...], tuple[str, ...]], bool]) -> None:
        """Drops the series whose values stand for nothing any more; `stand` is given all labels and values of one."""
        left = {values: one for values, one in self._by_values.items() if stand(self.labels, values)}
        self._by_values, self._by_printed = left, {tuple(map(_printable, values)): one for values, one in left.items()}

    def collect(self) -> Iterator[Metric]:
        """What is rendered, in another thread."""
        metric = Metric(self.name, self._about, self._kind)
        for values, series in list(self._by_printed.items()):
            labels = dict(zip(self.labels, values, strict=True))
            for suffix, more, value in series.samples():
                metric.add_sample(self.name + suffix, {**labels, **more}, value)
        yield metric


def _printable(value: str) -> str:
    """As it can be written: a site may list models under names that UTF-8 has no bytes for."""
    return value[:LABEL_CHARS].encode("utf-8", "replace").decode("utf-8")
