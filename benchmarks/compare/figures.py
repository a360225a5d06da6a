"""Figures and what is made of them: medians with their spread, overheads over the direct way, ratios of two ways.

A figure of a way has one value for each round. Ways take turns within a round, so values of one round belong together:
differences and ratios are taken round by round, and only then is the middle one looked for.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

type Rounds = dict[int, float]
"""Round → value."""
type Figures = dict[str, Rounds]
"""Name of the figure → its rounds."""
type Samples = dict[str, Figures]
"""Way → its figures."""

FIRST_WORD: Final = "first word ms"
OVERHEAD: Final = "first word over direct ms"


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some values, and how far they lie apart."""

    median: float
    least: float
    most: float
    count: int


def spread(values: Rounds) -> Spread | None:
    """None where there is no value."""
    if not values:
        return None
    found = list(values.values())
    return Spread(statistics.median(found), min(found), max(found), len(found))


def ratios(over: Rounds, under: Rounds) -> Rounds:
    """`over` by `under` in each round that both have."""
    return {number: value / under[number] for number, value in over.items() if under.get(number)}


def add_overheads(samples: Samples, direct: str = "direct") -> None:
    """Beside each time to the first word: by how much it is longer than the direct way's in the same round."""
    base = samples.get(direct, {})
    for way, figures in samples.items():
        for name, rounds in list(figures.items()):
            if way == direct or not name.startswith(FIRST_WORD) or name not in base:
                continue
            over = {number: value - base[name][number] for number, value in rounds.items() if number in base[name]}
            figures[name.replace(FIRST_WORD, OVERHEAD)] = over


def percentile(ordered: list[float], share: float) -> float:
    """Of values in order, the one that this share of them does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summary(samples: Samples) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Way → figure → median, least, most, rounds."""
    return {
        way: {
            name: {"median": found.median, "least": found.least, "most": found.most, "rounds": found.count}
            for name, rounds in figures.items()
            if (found := spread(rounds))
        }
        for way, figures in samples.items()
    }
