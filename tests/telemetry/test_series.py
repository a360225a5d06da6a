"""Series tell the same as those of prometheus-client."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import prometheus_client
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from addons.telemetry.bounded import Family
from addons.telemetry.series import Counter, Histogram

BOUNDS: Final = (0.001, 0.1, 1, 2.5, 1000000)
AMOUNTS: Final = st.lists(st.one_of(st.sampled_from(BOUNDS), st.floats(0, 1e9), st.integers(0, 10**12)))


@pytest.fixture(autouse=True)
def _no_times_of_making() -> Iterator[None]:
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    yield
    prometheus_client.enable_created_metrics()  # type: ignore[no-untyped-call]


def pages(registry: CollectorRegistry) -> tuple[bytes, bytes]:
    """What a registry is rendered to, in both forms."""
    return generate_latest(registry), openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]


def ours(family: Family[Counter] | Family[Histogram]) -> tuple[bytes, bytes]:
    registry = CollectorRegistry()
    registry.register(family)
    return pages(registry)


@settings(max_examples=50)
@given(AMOUNTS)
@example(list(BOUNDS))
@example([])
def test_a_histogram(amounts: list[float]) -> None:
    registry = CollectorRegistry()
    theirs = prometheus_client.Histogram("x_seconds", "How long.", ("a", "b"), buckets=BOUNDS, registry=registry)
    family = Family("x_seconds", "How long.", ("a", "b"), 9, partial(Histogram, BOUNDS))
    for amount in amounts:
        theirs.labels("1", '"').observe(amount)
        family.of("1", '"').observe(amount)
    assert ours(family) == pages(registry)


@settings(max_examples=50)
@given(AMOUNTS)
@example([])
def test_a_counter(amounts: list[float]) -> None:
    registry = CollectorRegistry()
    theirs = prometheus_client.Counter("x_bytes_total", "How many.", ("a", "b"), registry=registry)
    family = Family("x_bytes_total", "How many.", ("a", "b"), 9, Counter)
    for number, amount in enumerate(amounts):
        theirs.labels(str(number % 3), "").inc(amount)
        family.of(str(number % 3), "").inc(amount)
    assert ours(family) == pages(registry)


def test_those_without_labels() -> None:
    registry = CollectorRegistry()
    prometheus_client.Counter("c", "C.", registry=registry).inc()
    prometheus_client.Histogram("h", "H.", buckets=BOUNDS, registry=registry).observe(1)
    mine = CollectorRegistry()
    counter = Family("c", "C.", (), 9, Counter)
    histogram = Family("h", "H.", (), 9, partial(Histogram, BOUNDS))
    mine.register(counter)
    mine.register(histogram)
    counter.of().inc()
    histogram.of().observe(1)
    assert pages(mine) == pages(registry)
