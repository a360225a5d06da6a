"""The tables, and the options and ways of a comparison."""

import json
from typing import Any

import pytest

from benchmarks.compare.__main__ import GROUPS, options
from benchmarks.compare.catalogue import WAYS
from benchmarks.compare.figures import Spread
from benchmarks.compare.found import Found
from benchmarks.compare.machine import peers
from benchmarks.compare.measures import Load, measures
from benchmarks.compare.report import cell, report, short, table
from tests.support.processes import ROOT


@pytest.mark.parametrize(
    ("value", "said"), [(1234.5, "1,234"), (99.96, "100.0"), (12.34, "12.3"), (0.5, "0.50"), (-0.25, "-0.25")]
)
def test_numbers_have_three_figures_or_so(value: float, said: str) -> None:
    assert short(value) == said


def test_a_cell_tells_the_spread_of_three_rounds_or_more() -> None:
    assert cell(None) == "–"
    assert cell(Spread(2.0, 1.0, 3.0, 2)) == "2.00"
    assert cell(Spread(20.0, 1.0, 300.0, 3)) == "20.0 (1.00–300)"


def test_a_way_that_has_none_of_the_figures_has_no_row() -> None:
    found = table({"a": {"x": {1: 1.0}}, "b": {"y": {1: 1.0}}, "c": {"x": {1: 2.0}}}, ["x", "z"])
    assert found.splitlines() == ["| | x | z |", "|---|---|---|", "| a | 1.00 | – |", "| c | 2.00 | – |"]


def test_the_report_has_a_table_for_each_group_and_says_who_was_busy_last() -> None:
    found = Found({"glassgate": {}, "mitmdump-json": {}})
    for way, rate in (("glassgate", 500.0), ("mitmdump-json", 200.0)):
        found.take("rates", way, 1, {"streams/s": rate, "stream: way busy %": 97.0})
    said = report({"samples": found.samples, "groups": found.groups})
    titles = [line for line in said.splitlines() if line.startswith("### ")]
    assert [title.split()[1] for title in titles] == ["What", "Rates:", "Who"]
    assert "| glassgate: streams/s, × mitmdump-json | 2.50 | at least 2 | yes |" in said
    assert "| glassgate | 97.0 |" in said


def test_what_failed_is_kept_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    found = Found({"ccr": {}})
    found.failed("ccr", "streams", 2, TimeoutError())
    assert found.wrong == [{"way": "ccr", "measure": "streams", "round": 2, "why": "TimeoutError"}]
    assert capsys.readouterr().err == "ccr, streams: TimeoutError\n"


def test_every_group_of_a_way_has_a_measure() -> None:
    known = {measure.group for measure in measures(Load())}
    assert known | {"fresh"} == set(GROUPS)
    assert {group for entry in WAYS.values() for group in entry.groups} == known | {"start", "held"}


def test_options_of_a_whole_run() -> None:
    chosen: Any = vars(options([]))
    assert chosen["rounds"] >= 7
    assert chosen["fresh_rounds"] >= 7
    assert (chosen["streams"], chosen["only"]) == (1000, None)


def test_the_peers_are_pinned_and_their_lock_names_no_registry() -> None:
    assert all(version[0].isdigit() for version in peers().values())
    lock = json.loads((ROOT / "benchmarks/peers/package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["dependencies"].items() <= peers().items()
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
