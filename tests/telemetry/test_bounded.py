"""Series are bounded, whatever comes, and go with what they were of."""

from functools import partial

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from addons.telemetry.bounded import LABEL_CHARS, OTHER, Family
from addons.telemetry.series import Counter, Histogram


def counter(most: int) -> tuple[CollectorRegistry, Family[Counter]]:
    registry, family = CollectorRegistry(), Family("c_total", "c", ("a", "b"), most, Counter)
    registry.register(family)
    return registry, family


def values(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    found = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [one for family in found for one in family.samples]
    return {tuple(one.labels.values()): one.value for one in samples if one.name == "c_total"}


def test_what_is_beyond_counts_under_one_name() -> None:
    registry, family = counter(3)
    for number in range(10_000):
        family.of(str(number), "x").inc()
    assert values(registry) == {("0", "x"): 1, ("1", "x"): 1, ("2", "x"): 1, (OTHER, OTHER): 9997}
    family.of("1", "x").inc()
    assert values(registry)["1", "x"] == 2
    assert len(family) == 4


def test_series_of_what_has_left_are_dropped_and_make_room() -> None:
    registry, family = counter(2)
    for name in ("x", "y", "z"):
        family.of(name, "1").inc()
    family.keep(lambda labels, found: labels == ("a", "b") and found[0] != "x")
    assert set(values(registry)) == {("y", "1"), (OTHER, OTHER)}
    family.keep(lambda labels, found: found[0] == "y")
    family.of("w", "1").inc(5)
    assert values(registry) == {("y", "1"): 1, ("w", "1"): 5}


def test_any_name_can_be_written() -> None:
    registry, family = counter(9)
    for name in ("\ud800", '"\n\\', "x" * 5000):
        family.of(name, "").inc()
    assert set(values(registry)) == {("?", ""), ('"\n\\', ""), ("x" * LABEL_CHARS, "")}
    family.keep(lambda labels, found: False)
    assert values(registry) == {}


def test_two_names_that_are_written_alike_share_their_series() -> None:
    registry, family = counter(9)
    family.of("\ud800", "").inc()
    family.of("\ud801", "").inc()
    assert values(registry) == {("?", ""): 2}
    family.keep(lambda labels, found: found != ("\ud800", ""))
    family.of("\ud801", "").inc()
    assert values(registry) == {("?", ""): 3}
    family.keep(lambda labels, found: False)
    assert values(registry) == {}


def test_histograms_too() -> None:
    registry, family = CollectorRegistry(), Family("h", "h", ("a",), 1, partial(Histogram, (1,)))
    registry.register(family)
    for name in "xyz":
        family.of(name).observe(0.5)
    assert registry.get_sample_value("h_bucket", {"a": OTHER, "le": "1.0"}) == 2
