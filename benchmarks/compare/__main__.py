"""Runs the comparison and prints its tables: `benchmarks/run.sh`, or python -m benchmarks.compare [--rounds 7] …"""

import argparse
import contextlib
import json
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.compare.catalogue import WAYS
from benchmarks.compare.found import Found
from benchmarks.compare.machine import machine
from benchmarks.compare.measures import Load, measures
from benchmarks.compare.report import report
from benchmarks.compare.rounds import Comparison, upstreams

FRESH: Final = "fresh"
GROUPS: Final = ("rates", "parts", "paced", "models", "connections", "costs", "tools", FRESH)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--fresh-rounds", type=int, default=7, help="in which each way is started anew")
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measure of one way")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--streams", type=int, default=1000, help="held, and begun at once")
    parser.add_argument("--only", nargs="+", choices=WAYS, metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=GROUPS, metavar="GROUP", help=" ".join(GROUPS))
    parser.add_argument("--json", type=Path, help="where the figures go, too; written anew after each round")
    parser.add_argument("--show", type=Path, metavar="JSON", help="the tables of an earlier run, and nothing else")
    return parser.parse_args(arguments)


def main() -> None:
    chosen = options()
    if chosen.show is not None:
        print(report(json.loads(chosen.show.read_text(encoding="utf-8"))))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended too
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, min(most, 65536)), most))
    entries = {key: WAYS[key] for key in chosen.only or WAYS}
    found = Found({key: {} for key in entries})

    shown = {name: value for name, value in vars(chosen).items() if name not in ("json", "show")}
    about = {"machine": machine(), "options": shown}

    def save() -> None:
        if chosen.json is not None:
            told = about | found.told()
            chosen.json.parent.mkdir(parents=True, exist_ok=True)
            chosen.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")

    with tempfile.TemporaryDirectory() as folder, upstreams(Path(folder)) as providers:
        comparison = Comparison(entries, found, save, Path(folder), providers)
        if wanted := [one for one in measures(Load(chosen.seconds, chosen.connections)) if one.group in chosen.groups]:
            comparison.together(wanted, chosen.rounds)
        if FRESH in chosen.groups:
            comparison.alone(chosen.streams, chosen.fresh_rounds)
    print(report(found.told()))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
