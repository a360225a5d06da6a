"""Runs the comparison: `benchmarks/run.sh`, or python -m benchmarks.compare [--rounds 7] [--only WAY …].

All ways are up at once and take turns, measure for measure, in random order, so that a machine that gets slower does so
for all; the first round is thrown away. What a fresh process is measured for comes behind, alone, in rounds too.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.compare import gateways, peers, ways
from benchmarks.compare.figures import Samples, add_overheads, summary
from benchmarks.compare.fresh import fresh
from benchmarks.compare.load import Failed
from benchmarks.compare.machine import machine
from benchmarks.compare.measures import Load, Values, Wrong, measures
from benchmarks.compare.processes import Unavailable, free_port, process
from benchmarks.compare.report import report
from benchmarks.compare.targets import judged
from benchmarks.compare.way import ROOT, Provider, Start, Upstreams, Way
from tests.support.self_signed import make_certificate

_ALL: Final = frozenset({"rates", "paced", "models", "connections", "costs", "tools", "start", "held"})
_RATES: Final = frozenset({"rates"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A way and the groups of measures that it gets."""

    start: Start
    groups: frozenset[str] = _ALL


WAYS: Final[Mapping[str, Entry]] = {
    "direct": Entry(ways.direct, frozenset({"rates", "paced", "models", "held"})),
    "direct-tls": Entry(ways.direct_tls, _RATES),
    "nginx": Entry(ways.nginx),
    "mitmdump": Entry(ways.mitmdump),
    "mitmdump-json": Entry(ways.mitmdump_json),
    "mitmdump-json-tls": Entry(ways.mitmdump_json_tls, _RATES | {"connections"}),
    "mitmweb-json": Entry(ways.mitmweb_json, _RATES),
    "glassgate": Entry(gateways.official()),
    "glassgate-tls": Entry(gateways.official(tls=True), _RATES | {"connections"}),
    "glassgate-uninspected": Entry(gateways.official(inspect={"body_kb": 0}), _RATES),
    "glassgate-recording": Entry(gateways.official(record={"enabled": True}), _RATES),
    "glassgate-web": Entry(gateways.official(web=True), _RATES),
    "glassgate-10-accounts": Entry(gateways.official(accounts=10), _RATES | {"start"}),
    "glassgate-100-accounts": Entry(gateways.official(accounts=100), _RATES | {"start"}),
    "glassgate-1000-accounts": Entry(gateways.official(accounts=1000), _RATES | {"start"}),
    "glassgate-zai": Entry(gateways.zai(create_chat=True), _ALL - {"tools"}),
    "glassgate-zai-nochat": Entry(gateways.zai(create_chat=False), _ALL - {"tools"}),
    "litellm": Entry(peers.litellm),
    "portkey": Entry(peers.portkey, _ALL - {"models"}),
    "ccr": Entry(peers.claude_code_router, _ALL - {"models"}),
}


@dataclass(slots=True)
class Found:
    """What a run has found so far."""

    samples: Samples
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Group → its figures, in order."""
    missing: dict[str, str] = field(default_factory=dict)
    """Way → why it is not to be had."""
    wrong: list[dict[str, Any]] = field(default_factory=list)
    load_average: list[float] = field(default_factory=list)
    """Of the machine, at each round's begin."""

    def take(self, group: str, way: str, number: int, values: Values) -> None:
        for name, value in values.items():
            self.samples[way].setdefault(name, {})[number] = value
            if name not in (names := self.groups.setdefault(group, [])):
                names.append(name)

    def failed(self, way: str, what: str, number: int, why: BaseException) -> None:
        said = str(why) or type(why).__name__
        print(f"{way}, {what}: {said[:300]}", file=sys.stderr)
        self.wrong.append({"way": way, "measure": what, "round": number, "why": said[:600]})


@contextmanager
def upstreams(folder: Path) -> Iterator[Upstreams]:
    """The providers, each a process."""
    certificate, key = make_certificate(folder)
    with ExitStack() as stack:

        def started(name: str, *more: str) -> Provider:
            port = free_port()
            command = [sys.executable, "-m", "benchmarks.compare.upstream", str(port), *more]
            pid, _ = stack.enter_context(process(command, port, folder / name, PYTHONPATH=str(ROOT)))
            return Provider(port, pid, certificate if more else None)

        yield Upstreams(started("plain"), started("tls", "--tls", str(certificate), str(key)), certificate)


def run(options: argparse.Namespace, save: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    """All rounds; `save` gets what is known after each."""
    chosen = {key: WAYS[key] for key in options.only or WAYS}
    found = Found({key: {} for key in chosen})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with upstreams(folder) as providers:
            _together(options, chosen, providers, folder, found, lambda: save(_told(options, found)))
            _alone(options, chosen, providers, folder, found, lambda: save(_told(options, found)))
    return _told(options, found)


def _together(
    options: argparse.Namespace,
    chosen: Mapping[str, Entry],
    providers: Upstreams,
    folder: Path,
    found: Found,
    save: Callable[[], None],
) -> None:
    """The measures of ways that all run."""
    with ExitStack() as stack:
        up: dict[str, Way] = {}
        for key, entry in chosen.items():
            try:
                up[key] = stack.enter_context(entry.start(_own(folder, key), providers))
            except (Unavailable, AssertionError) as e:
                found.missing[key] = str(e)[:600]
                print(f"{key} is left out: {str(e)[:300]}", file=sys.stderr)
        wanted = [one for one in measures(Load(options.seconds, options.connections)) if _wanted(options, one.group)]
        for number in range(options.rounds + 1):
            found.load_average.append(os.getloadavg()[0])
            for measure in wanted:
                for key in random.sample(sorted(up), len(up)):
                    if measure.group not in chosen[key].groups:
                        continue
                    try:
                        values = asyncio.run(measure.run(up[key]))
                    except (Wrong, Failed, OSError, TimeoutError) as e:
                        found.failed(key, measure.name, number, e)
                        continue
                    if number:
                        found.take(measure.group, key, number, values)
            print(f"round {number} of {options.rounds}", file=sys.stderr)
            save()


def _alone(
    options: argparse.Namespace,
    chosen: Mapping[str, Entry],
    providers: Upstreams,
    folder: Path,
    found: Found,
    save: Callable[[], None],
) -> None:
    """The measures of a fresh process, one way after the other."""
    if not _wanted(options, "fresh"):
        return
    able = [key for key in chosen if {"start", "held"} & chosen[key].groups and key not in found.missing]
    for number in range(1, options.fresh_rounds + 1):
        for key in random.sample(able, len(able)):
            streams = options.streams if "held" in chosen[key].groups else 0
            try:
                values = asyncio.run(fresh(chosen[key].start, _own(folder, key), providers, streams))
            except (Unavailable, Wrong, Failed, OSError, TimeoutError, AssertionError) as e:
                found.failed(key, "fresh", number, e)
                continue
            found.take("fresh", key, number, values)
        print(f"fresh round {number} of {options.fresh_rounds}", file=sys.stderr)
        save()


def _wanted(options: argparse.Namespace, group: str) -> bool:
    return not options.groups or group in options.groups


def _own(folder: Path, key: str) -> Path:
    """A new folder for a way."""
    return Path(tempfile.mkdtemp(prefix=f"{key}-", dir=folder))


def _told(options: argparse.Namespace, found: Found) -> dict[str, Any]:
    """Everything, as the JSON has it."""
    samples: Samples = {way: {name: dict(rounds) for name, rounds in of.items()} for way, of in found.samples.items()}
    add_overheads(samples)
    groups = {group: list(names) for group, names in found.groups.items()}
    known = {name for names in groups.values() for name in names}
    groups.get("paced", []).extend(dict.fromkeys(name for of in samples.values() for name in of if name not in known))
    targets = [
        {"way": one.way, "figure": one.figure, "by": one.other, "median": seen.median, "met": one.met(seen)}
        for one, seen in judged(samples)
    ]
    shown = {name: value for name, value in vars(options).items() if name not in ("json", "show")}
    return {
        "machine": machine(),
        "options": shown,
        "load_average": found.load_average,
        "missing": found.missing,
        "wrong": found.wrong,
        "groups": groups,
        "targets": targets,
        "summary": summary(samples),
        "samples": samples,
    }


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--fresh-rounds", type=int, default=7, help="in which each way is started anew")
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measure of one way")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--streams", type=int, default=1000, help="held, and begun at once")
    parser.add_argument("--only", nargs="+", choices=WAYS, metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--groups", nargs="+", metavar="GROUP", help="rates paced models connections costs tools fresh")
    parser.add_argument("--json", type=Path, help="where the figures go, too; written anew after each round")
    parser.add_argument("--show", type=Path, metavar="JSON", help="the tables of an earlier run, and nothing else")
    return parser.parse_args(arguments)


def main() -> None:
    chosen = options()
    if chosen.show is not None:
        print(report(json.loads(chosen.show.read_text(encoding="utf-8"))))
        return
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, min(most, 65536)), most))

    def save(told: Mapping[str, Any]) -> None:
        if chosen.json is not None:
            chosen.json.parent.mkdir(parents=True, exist_ok=True)
            chosen.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")

    told = run(chosen, save)
    save(told)
    print(report(told))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
