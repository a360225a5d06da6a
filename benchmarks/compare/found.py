"""What a comparison has found so far."""

import sys
from dataclasses import dataclass, field
from typing import Any

from benchmarks.compare.figures import Samples, add_overheads, summary
from benchmarks.compare.measures import Values
from benchmarks.compare.targets import judged


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

    def told(self) -> dict[str, Any]:
        """Everything, as the JSON has it."""
        samples: Samples = {
            way: {name: dict(rounds) for name, rounds in of.items()} for way, of in self.samples.items()
        }
        add_overheads(samples)
        groups = {group: list(names) for group, names in self.groups.items()}
        known = {name for names in groups.values() for name in names}
        more = dict.fromkeys(name for of in samples.values() for name in of if name not in known)
        groups.get("paced", []).extend(more)
        targets = [
            {"way": one.way, "figure": one.figure, "by": one.other, "median": seen.median, "met": one.met(seen)}
            for one, seen in judged(samples)
        ]
        return {
            "load_average": self.load_average,
            "missing": self.missing,
            "wrong": self.wrong,
            "groups": groups,
            "targets": targets,
            "summary": summary(samples),
            "samples": samples,
        }
