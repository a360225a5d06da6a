"""The metrics have names by Prometheus' conventions, and docs/metrics.md has each of them and no other."""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric

from addons.telemetry.metrics import Metrics
from addons.telemetry.state import StateCollector
from tests.support.processes import ROOT


def ours() -> Iterator[Metric]:
    metrics = Metrics()
    metrics.registry.register(StateCollector())
    yield from (family for family in metrics.registry.collect() if family.name.startswith("glassgate_"))


def name_of(family: Metric) -> str:
    """As it stands in the text form."""
    return f"{family.name}_total" if family.type == "counter" else family.name


FAMILIES = list(ours())
LABELS = {family.name: set(family.labels) for family in Metrics().families}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_says_its_unit_and_the_help_what_it_is(family: Metric) -> None:
    assert re.fullmatch(r"glassgate_[a-z_]+", family.name)
    assert family.documentation.endswith(".")
    assert not re.search(r"(?:_ms|_milliseconds|_kb|_mb|_percent)(?:_|$)", family.name)
    if family.type == "histogram":
        assert family.name.endswith("_seconds")


def test_the_page_has_a_row_for_each_and_for_no_other() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(glassgate_\w+)` \| (\w+) \|", page, re.MULTILINE))
    assert rows == {name_of(family): family.type for family in FAMILIES}


def test_the_page_names_the_labels() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    for name, labels in LABELS.items():
        (row,) = re.findall(rf"^\| `{name}(?:_total)?` \| \w+ \| (.*?) \|", page, re.MULTILINE)
        assert {word.strip("` ") for word in row.split(",") if word.strip("` -")} == labels, name


def test_no_line_tells_when_a_series_was_made() -> None:
    metrics = Metrics()
    metrics.requests.of(*["x"] * 7).inc()
    assert b"_created" not in generate_latest(metrics.registry)


def test_two_gateways_of_one_process_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.cache.of("hit").inc()
    assert len(other.cache) == 0
