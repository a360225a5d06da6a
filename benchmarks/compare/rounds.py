"""The rounds of a comparison.

All ways are up at once and take turns, measure for measure, in random order, so that a machine that gets slower does so
for all; the first round is thrown away. What a fresh process is measured for comes behind, alone, in rounds too.
"""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.catalogue import Entry
from benchmarks.compare.found import Found
from benchmarks.compare.fresh import fresh
from benchmarks.compare.load import Failed
from benchmarks.compare.measures import Measure, Values, Wrong
from benchmarks.compare.processes import Unavailable, free_port, process
from benchmarks.compare.way import ROOT, Provider, Upstreams, Way
from tests.support.self_signed import make_certificate

_FAULTS = (Wrong, Failed, OSError, TimeoutError)
"""What one measure of one way may end with, and the others go on."""
_DOES_NOT_START = (Unavailable, AssertionError)


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """`entries` are compared; `save` is called after each round."""

    entries: Mapping[str, Entry]
    found: Found
    save: Callable[[], None]
    folder: Path
    """For all that the ways write."""
    providers: Upstreams

    def together(self, wanted: Sequence[Measure], rounds: int) -> None:
        """The measures of ways that all run."""
        with ExitStack() as stack:
            up = self._started(stack)
            for number in range(rounds + 1):
                self.found.load_average.append(os.getloadavg()[0])
                for measure in wanted:
                    able = sorted(key for key in up if measure.group in self.entries[key].groups)
                    for key in random.sample(able, len(able)):
                        self._take(measure, key, up[key], number)
                self._over("round", number, rounds)

    def alone(self, streams: int, rounds: int) -> None:
        """The measures of a fresh process, one way after the other."""
        able = [key for key, entry in self.entries.items() if entry.groups & {"start", "held"}]
        able = [key for key in able if key not in self.found.missing]
        for number in range(1, rounds + 1):
            for key in random.sample(able, len(able)):
                entry, own = self.entries[key], self._own(key)
                count = streams if "held" in entry.groups else 0
                values: Values = {}
                try:
                    asyncio.run(fresh(entry.start, own, self.providers, count, values))
                except (*_FAULTS, *_DOES_NOT_START) as e:
                    self.found.failed(key, "fresh", number, e)
                self.found.take("fresh", key, number, values)
            self._over("fresh round", number, rounds)

    def _started(self, stack: ExitStack) -> Mapping[str, Way]:
        """The ways that can be had."""
        up: dict[str, Way] = {}
        for key, entry in self.entries.items():
            try:
                up[key] = stack.enter_context(entry.start(self._own(key), self.providers))
            except _DOES_NOT_START as e:
                self.found.missing[key] = str(e)[:600]
                print(f"{key} is left out: {str(e)[:300]}", file=sys.stderr)
        return up

    def _take(self, measure: Measure, key: str, way: Way, number: int) -> None:
        """One measure of one way; nothing is kept of round 0."""
        try:
            values = asyncio.run(measure.run(way))
        except _FAULTS as e:
            self.found.failed(key, measure.name, number, e)
            return
        if number:
            self.found.take(measure.group, key, number, values)

    def _over(self, what: str, number: int, rounds: int) -> None:
        print(f"{what} {number} of {rounds}", file=sys.stderr)
        self.save()

    def _own(self, key: str) -> Path:
        """A new folder for a way."""
        return Path(tempfile.mkdtemp(prefix=f"{key}-", dir=self.folder))
