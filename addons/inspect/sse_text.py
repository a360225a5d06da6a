"""A text/event-stream as text, for views: its blocks, and when each arrived. Pure.

Nothing is refused here: whatever stands between two blank lines is a block.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence

from addons.dialects.text import lines_of

type Arrivals = Sequence[tuple[float, int]]
"""Seconds since the attempt began, and the length in bytes, of each piece in order."""


def blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of each block, and where it ends, in bytes of UTF-8."""
    end, block = 0, list[str]()
    for line in lines_of(text):
        end += len(line.encode("utf-8", "surrogatepass")) + 1
        if line:
            block.append(line)
        elif block:
            yield end, block
            block = []
    if block:
        yield end - 1, block


def data_of(block: Sequence[str]) -> str:
    """The payload of a block: its data lines put together."""
    return "\n".join(line[5:].strip() for line in block if line.startswith("data:"))


class ArrivalTimes:
    """The arrival time of each byte of a body that came in pieces."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._ends = list(itertools.accumulate(length for _, length in arrivals))

    def ms(self, end: int) -> int | None:
        """The milliseconds after which the byte before `end` was there; None where that is not known."""
        index = bisect.bisect_left(self._ends, end)
        return round(self._arrivals[index][0] * 1000) if index < len(self._arrivals) else None


def columns(number: int | str, ms: int | str | None) -> str:
    """The first columns of a table's row: a stylesheet of ours lets the rest hang by so many characters
    (page/look.css)."""
    return f"{number:>4} {'' if ms is None else ms:>7}  "
