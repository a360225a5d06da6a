"""The figures of a comparison as tables in Markdown, one for each group: ways by figures."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.compare.figures import Samples, Spread, spread
from benchmarks.compare.targets import Target, judged

_BUSY: Final = "busy %"
_TITLES: Final[Mapping[str, str]] = {
    "rates": "Rates: 16 connections, each asks again as soon as it has its answer",
    "parts": "The parts that config.yaml turns on and off: all of them, and none",
    "paced": "Paced streams",
    "models": "The list of models",
    "connections": "New connections to the provider, over kept client connections",
    "costs": "CPU of a short whole answer to a bigger request",
    "tools": "CPU of a short whole answer to a request with tools",
    "fresh": "Of a process just started",
}


def report(found: Mapping[str, Any]) -> str:
    """All tables. `found` is what the JSON has (__main__.py)."""
    samples: Samples = found["samples"]
    groups: Mapping[str, Sequence[str]] = found["groups"]
    parts = [_targets(samples)]
    busy = [name for names in groups.values() for name in names if name.endswith(_BUSY)]
    for group, names in groups.items():
        plain = [name for name in names if name not in busy]
        parts.append(f"### {_TITLES.get(group, group)}\n\n{table(samples, plain)}")
    if busy:
        parts.append(f"### Who was busy, in % of one core\n\n{table(samples, busy)}")
    return "\n\n".join(part for part in parts if part)


def table(samples: Samples, names: Sequence[str]) -> str:
    """A row for each way that has one of the figures."""
    rows = {way: [cell(spread(figures.get(name, {}))) for name in names] for way, figures in samples.items()}
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {way} | {' | '.join(cells)} |" for way, cells in rows.items() if set(cells) != {cell(None)}]
    return "\n".join(lines)


def cell(found: Spread | None) -> str:
    """The median, with the least and the most where there are as many as three."""
    if found is None:
        return "–"
    if found.count < 3:
        return short(found.median)
    return f"{short(found.median)} ({short(found.least)}–{short(found.most)})"


def short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _targets(samples: Samples) -> str:
    found = judged(samples)
    if not found:
        return ""
    lines = ["### What is wanted", "", "| | found | wanted | |", "|---|---|---|---|"]
    for target, seen in found:
        lines.append(f"| {_what(target)} | {cell(seen)} | {_wanted(target)} | {_met(target.met(seen))} |")
    return "\n".join(lines)


def _what(target: Target) -> str:
    return f"{target.way}: {target.figure}" + (f", × {target.other}" if target.other else "")


def _wanted(target: Target) -> str:
    if target.at_least is not None:
        return f"at least {target.at_least:g}"
    return f"at most {target.at_most:g}" if target.at_most is not None else ""


def _met(met: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[met]
