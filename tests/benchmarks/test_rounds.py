"""The rounds: who takes turns, what is kept, and that one way's fault is its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare.catalogue import Entry
from benchmarks.compare.found import Found
from benchmarks.compare.measures import Measure, Values, Wrong
from benchmarks.compare.processes import Unavailable
from benchmarks.compare.rounds import Comparison
from benchmarks.compare.way import Provider, Start, Upstreams, Way

NOBODY = Provider(1, 1)


class Street:
    """Ways without processes, and how often each was measured."""

    def __init__(self, folder: Path) -> None:
        self.up: set[int] = set()
        self.asked: list[tuple[str, int]] = []
        self.saved = 0
        entries = {
            "one": Entry(self.way(1), frozenset({"rates"})),
            "two": Entry(self.way(2), frozenset({"rates", "tools"})),
            "none": Entry(self.way(0), frozenset({"rates", "start"})),
        }
        providers = Upstreams(NOBODY, NOBODY, folder)
        self.found = Found({key: {} for key in entries})
        self.comparison = Comparison(entries, self.found, self.save, folder, providers)

    def save(self) -> None:
        self.saved += 1

    def way(self, port: int) -> Start:
        @contextmanager
        def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
            assert folder.is_dir()
            if not port:
                raise Unavailable("it is not installed")
            self.up.add(port)
            yield Way(port, upstreams.plain)
            self.up.remove(port)

        return start

    def measure(self, group: str, *, wrong: int = 0) -> Measure:
        async def run(way: Way) -> Values:
            assert self.up == {1, 2}
            self.asked.append((group, way.port))
            if way.port == wrong:
                raise Wrong("an answer was short")
            return {f"{group}/s": float(len(self.asked))}

        return Measure(group, group, run)


def test_ways_take_turns_measure_for_measure_and_the_first_round_is_thrown_away(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.comparison.together([street.measure("rates"), street.measure("tools")], 2)
    for number in range(3):
        rates, tools = street.asked[number * 3 : number * 3 + 2], street.asked[number * 3 + 2]
        assert sorted(rates) == [("rates", 1), ("rates", 2)]
        assert tools == ("tools", 2)
    samples = street.found.samples
    assert {way: {name: set(rounds) for name, rounds in of.items()} for way, of in samples.items()} == {
        "one": {"rates/s": {1, 2}},
        "two": {"rates/s": {1, 2}, "tools/s": {1, 2}},
        "none": {},
    }
    assert (street.saved, street.up) == (3, set())


def test_what_cannot_be_had_is_said_and_left_out(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.comparison.together([street.measure("rates")], 1)
    assert street.found.missing == {"none": "it is not installed"}
    street.comparison.alone(1000, 2)  # nor is it tried again
    assert street.found.wrong == []


def test_a_way_that_answers_wrong_holds_up_no_other(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.comparison.together([street.measure("rates", wrong=1)], 1)
    assert [(one["way"], one["round"]) for one in street.found.wrong] == [("one", 0), ("one", 1)]
    assert (street.found.samples["one"], set(street.found.samples["two"])) == ({}, {"rates/s"})
    assert len(street.found.load_average) == 2
