"""Runs the comparison: `benchmarks/run.sh`, or python -m benchmarks.compare [--rounds 7] [--only NAME …] [--quick].

All ways are up at once and take turns in random order, round for round, so that a machine that gets slower does so for
all; the first round is thrown away. A figure is the median of the rounds, with the least and the most.
"""

import argparse
import asyncio
import contextlib
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.compare import measures, peers, ways
from benchmarks.compare.measures import Load, Measure, Wrong
from benchmarks.compare.ways import Start, Unavailable, Upstreams, Way, free_port
from tests.support.self_signed import make_certificate

WAYS: Final[Mapping[str, Start]] = {
    "direct": ways.direct,
    "nginx": ways.nginx,
    "mitmdump": ways.bare_passing,
    "mitmdump-json": ways.bare_json,
    "glassgate": ways.glassgate(),
    "glassgate-tls": ways.glassgate("glassgate, TLS", tls=True),
    "glassgate-zai": ways.glassgate_zai("glassgate, Z.AI", create_chat=True),
    "glassgate-zai-nochat": ways.glassgate_zai("glassgate, Z.AI without chat", create_chat=False),
    "glassgate-recording": ways.glassgate("glassgate, recording", record={"enabled": True}),
    "litellm": peers.litellm,
    "portkey": peers.portkey,
    "ccr": peers.claude_code_router,
}


def measures_of(load: Load, upstream: int) -> Sequence[Measure]:
    costs = [("prompt 1 KB", {"kb": 1}), ("prompt 100 KB", {"kb": 100}), ("prompt 5 MB", {"kb": 5 * 1024 - 1})]
    costs += [("100 turns before", {"history": 50}), ("60 tools", {"tools": 60})]
    return [
        measures.whole(load),
        measures.streams(load),
        *(measures.first_word(load, width) for width in (1, 16, 64, 256)),
        measures.gaps(load),
        measures.models(load),
        measures.new_connections(load, upstream),
        *(measures.cost(load, name, **asked) for name, asked in costs),
    ]


@contextmanager
def upstreams(folder: Path) -> Iterator[Upstreams]:
    """The providers, each a process."""
    certificate, key = make_certificate(folder)
    found = Upstreams(free_port(), free_port(), certificate)
    with ExitStack() as stack:
        for port, more in ((found.plain, ()), (found.tls, ("--tls", str(certificate), str(key)))):
            command = [sys.executable, "-m", "benchmarks.compare.upstream", str(port), *more]
            started = subprocess.Popen(command, cwd=ways.ROOT)
            stack.callback(started.wait, 10)
            stack.callback(started.kill)
        time.sleep(1)
        yield found


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The figures of each way: name → rounds."""
    load = Load(options.seconds, options.connections, options.streams)
    figures: dict[str, dict[str, list[float]]] = {}
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        found = stack.enter_context(upstreams(folder))
        up: list[Way] = []
        for key in options.only or WAYS:
            own = folder / key
            own.mkdir()
            try:
                up.append(stack.enter_context(WAYS[key](own, found)))
            except Unavailable as e:
                missing[key] = str(e)
                print(f"{key} is left out: {e}", file=sys.stderr)
        for way in up:
            figures[way.name] = {"start s": [way.started_in_s]} if way.pids else {}
        measured = measures_of(load, found.plain)
        at_the_end = [] if options.quick else [measures.burst(load), measures.held(load)]
        for number in range(options.rounds + 1):
            for measure in measured:
                for way in random.sample(up, len(up)):
                    _take(figures[way.name], way, measure, keep=number > 0)
            print(f"round {number} of {options.rounds}", file=sys.stderr)
        for measure in at_the_end:
            for way in random.sample(up, len(up)):
                _take(figures[way.name], way, measure, keep=True)
    return {"machine": _machine(), "load": vars(options), "missing": missing, "figures": figures}


def _take(into: dict[str, list[float]], way: Way, measure: Measure, *, keep: bool) -> None:
    try:
        found = asyncio.run(measure(way))
    except (Wrong, OSError) as e:
        print(f"{way.name}: {e}", file=sys.stderr)
        return
    for name, value in found.items() if keep else ():
        into.setdefault(name, []).append(value)


def _machine() -> dict[str, str]:
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": ?")
    packages = {name: version(name) for name in ("glassgate", "mitmproxy", "httpx", "pydantic")}
    return {"cpu": cpu.partition(": ")[2], "cores": str(len(_cores())), "python": platform.python_version(), **packages}


def _cores() -> Sequence[int]:
    import os

    return sorted(os.sched_getaffinity(0))


def table(found: Mapping[str, Any]) -> str:
    """The figures as a table in Markdown: a row for each, a column for each way."""
    figures: Mapping[str, Mapping[str, list[float]]] = found["figures"]
    names = list(dict.fromkeys(name for ways_ in figures.values() for name in ways_))
    lines = ["| | " + " | ".join(figures) + " |", "|---" * (len(figures) + 1) + "|"]
    for name in names:
        cells = [_cell(of_way.get(name, [])) for of_way in figures.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "–"
    middle = _short(statistics.median(values))
    return middle if len(values) < 3 else f"{middle} ({_short(min(values))}–{_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measure of one way")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--streams", type=int, default=1000, help="of the burst, and held")
    parser.add_argument("--only", nargs="+", choices=WAYS, metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--quick", action="store_true", help="without the burst and the held streams")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    options = parser.parse_args()
    found = run(options)
    print(table(found))
    if options.json is not None:
        found["load"]["json"] = str(options.json)
        options.json.write_text(json.dumps(found, indent=1, default=str) + "\n")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
