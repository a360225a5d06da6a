"""Samples ways under load: a flame graph for each way and kind of answer, and a table of rooms in CPU ms a request.

    benchmarks/profile.sh NAME [--project FOLDER] [--ways glassgate glassgate-zai] [--seconds 15]

Writes benchmarks/results/flame-NAME-WAY-KIND.svg and rooms-NAME.json. `--project` profiles another checkout, with its
own .venv.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.compare import requests
from benchmarks.compare.catalogue import WAYS
from benchmarks.compare.load import closed_loop
from benchmarks.compare.measures import PIECES, checked, place
from benchmarks.compare.processes import cpu_s
from benchmarks.compare.rounds import upstreams
from benchmarks.compare.way import PEERS, ROOT, Upstreams, Way
from benchmarks.profiling.flamegraph import flame_graph
from benchmarks.profiling.rooms import ROOMS, Stacks, read_samples, shares
from tests.support.processes import Gateway

KINDS: Final[Mapping[str, tuple[str, bool, int]]] = {
    "whole": ("!b1", False, 0),
    "stream": (f"!b{PIECES}", True, PIECES),
}
"""What is asked for, whether as a stream, and how many events that has at least."""
_SAMPLES_A_SECOND: Final = 400
_WARM_UP_S: Final = 2.0
_CONNECTIONS: Final = 16


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the files")
    parser.add_argument("--project", type=Path, default=ROOT, help="another checkout of the gateway")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["glassgate", "glassgate-zai"], metavar="WAY")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--folder", type=Path, default=ROOT / "benchmarks" / "results")
    return parser.parse_args(arguments)


def main() -> None:
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended too
    if chosen.project.resolve() != ROOT:
        Gateway.project, Gateway.tools = chosen.project.resolve(), chosen.project.resolve() / ".venv" / "bin"
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, upstreams(Path(folder)) as providers:
        for name in chosen.ways:
            own = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
            for kind, (ms, stacks) in _profiled(name, own, providers, chosen.seconds).items():
                found[f"{name}, {kind}"] = {"all": ms, **{room: ms * part for room, part in shares(stacks).items()}}
                file = chosen.folder / f"flame-{chosen.name}-{name}-{kind}.svg"
                title = f"{name}, {kind}, {chosen.name}: {ms:.2f} ms of CPU, {sum(stacks.values())} samples"
                file.write_text(flame_graph(stacks, title), encoding="utf-8")
    (chosen.folder / f"rooms-{chosen.name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))


def _profiled(name: str, folder: Path, providers: Upstreams, seconds: float) -> dict[str, tuple[float, Stacks]]:
    """By kind of answer: CPU ms a request, taken while nobody samples, and the sampled stacks."""
    with WAYS[name].start(folder, providers) as way:
        for kind in KINDS:
            _loaded(way, kind, _WARM_UP_S)
        return {kind: (_loaded(way, kind, seconds / 2), _sampled(way, kind, seconds)) for kind in KINDS}


def _loaded(way: Way, kind: str, seconds: float) -> float:
    """CPU ms a request under load."""
    asked, stream, events = KINDS[kind]
    before = cpu_s(way.pids)
    rate = asyncio.run(closed_loop(place(way), requests.chat(way, asked, stream=stream), _CONNECTIONS, seconds))
    return (cpu_s(way.pids) - before) * 1000 / len(checked(rate, events).timings)


def _sampled(way: Way, kind: str, seconds: float) -> Stacks:
    """The stacks of the way's process under load; while it waits it is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "samples"
        command = [str(PEERS / "py-spy" / "bin" / "py-spy"), "record", "--pid", str(way.pids[0])]
        command += ["--format", "speedscope", "--output", str(file)]
        command += ["--rate", str(_SAMPLES_A_SECOND), "--duration", str(max(1, round(seconds)))]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as spy:
            while spy.poll() is None:
                _loaded(way, kind, 1.0)
            if spy.returncode:
                raise RuntimeError(f"py-spy failed: {spy.stderr.read() if spy.stderr else ''}")
        return read_samples(file.read_text(encoding="utf-8"))


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """CPU ms a request by room, in Markdown."""
    names = [room for room in ROOMS if any(room in rooms for rooms in found.values())]
    lines = [f"| CPU ms a request (share) | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for room in ("all", *names):
        cells = (f"{rooms.get(room, 0.0):.3f} ({rooms.get(room, 0.0) / rooms['all']:.0%})" for rooms in found.values())
        lines.append(f"| {room} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
