"""What recording costs: two gateways side by side, one keeping every exchange, in alternating rounds.

python benchmarks/recording.py [--seconds 6] [--rounds 3]
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from addons.cli.demo import start_sites  # noqa: E402
from benchmarks.throughput import Way, events_a_second, requests_a_second  # noqa: E402
from tests.support.processes import KEY, Gateway  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sites, described = start_sites()
    figures: dict[str, list[float]] = {}
    try:
        with ExitStack() as stack:
            ways = []
            for name, enabled in (("recording off", False), ("recording on", True)):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                folder.chmod(0o700)
                record = {"enabled": enabled, "folder": str(folder / "kept"), "max_mb": 20}
                gateway = Gateway(folder, described, accounts={"max_concurrent": 2000}, record=record)
                ways.append(Way(name, stack.enter_context(gateway).port, KEY))
            for _ in range(options.rounds):
                for way in ways:
                    rate = asyncio.run(requests_a_second(way, 16, options.seconds))
                    figures.setdefault(f"{way.name}: requests/s", []).append(rate)
                    events, _ = asyncio.run(events_a_second(way, 100, 200, 0))
                    figures.setdefault(f"{way.name}: events/s, 100 streams at full speed", []).append(events)
                    _, took = asyncio.run(events_a_second(way, 100, 100, 20))
                    figures.setdefault(f"{way.name}: seconds for 100 streams of 2 s", []).append(took)
    finally:
        sites.terminate()
        sites.wait(10)
    for name, values in sorted(figures.items()):
        print(f"{name:50} median {statistics.median(values):10.1f}   {min(values):.1f} to {max(values):.1f}")


if __name__ == "__main__":
    main()
