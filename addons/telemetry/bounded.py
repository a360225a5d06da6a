"""A metric with labels whose series are bounded: what is beyond counts under `other`."""

from collections.abc import Callable
from typing import Final

from prometheus_client import Counter, Histogram

OTHER: Final = "other"
"""The value of a label for what has no series of its own."""
LABEL_CHARS: Final = 200


class Family[Metric: (Counter, Histogram)]:
    """The children of one metric by their labels' values, kept so that a request looks each up once.

    Beyond `most` of them all labels are `other`.
    """

    def __init__(self, metric: Metric, labels: tuple[str, ...], most: int) -> None:
        self.name: Final[str] = metric._name
        self.labels: Final = labels
        self._metric: Final[Metric] = metric
        self._most: Final = most
        self._children: dict[tuple[str, ...], Metric] = {}

    def __len__(self) -> int:
        return len(self._children)

    def of(self, *values: str) -> Metric:
        """The child for these values, in the order of the labels."""
        child = self._children.get(values)
        return self._new(values) if child is None else child

    def _new(self, values: tuple[str, ...]) -> Metric:
        if len(self._children) >= self._most:
            values = (OTHER,) * len(values)
            if (child := self._children.get(values)) is not None:
                return child
        made: Metric = self._metric.labels(*map(_printable, values))
        self._children[values] = made
        return made

    def keep(self, stand: Callable[[tuple[str, ...], tuple[str, ...]], bool]) -> None:
        """Drops the series whose values stand for nothing any more; `stand` is given all labels and values of one."""
        for values in list(self._children):
            if not stand(self.labels, values):
                del self._children[values]
                self._metric.remove(*map(_printable, values))


def _printable(value: str) -> str:
    """As it can be written: a site may list models under names that UTF-8 has no bytes for."""
    return value[:LABEL_CHARS].encode("utf-8", "replace").decode("utf-8")
