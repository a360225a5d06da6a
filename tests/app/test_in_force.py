"""What the long-lived parts of the process get of the running ones, before there are any and after."""

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from mitmproxy.test import tflow

from addons.app.in_force import InForce
from addons.app.runtime import Running
from addons.cleaning.cleaner import NOTHING_KNOWN, Cleaner
from providers.contract.events import Usage
from providers.contract.price import DOLLAR, Price
from tests.usage.rows import prices, record


def running(**parts: Any) -> InForce:
    return InForce(cast(Running, SimpleNamespace(**parts)))


def test_before_anything_runs_nothing_is_known_and_nothing_waited_for() -> None:
    in_force = InForce()
    assert in_force.cleaner() is NOTHING_KNOWN
    assert in_force.log_text("words") == in_force.shown_text("words") == "words"
    assert in_force.drain_s() == 0
    assert in_force.extra_headers([(b"origin", b"https://app.example")]) == ()
    in_force.keep(tflow.tflow())


def test_what_runs_is_asked_each_time() -> None:
    class Hiding:
        log: Callable[[str], str] = staticmethod(lambda text: f"log of {text}")
        text: Callable[[str], str] = staticmethod(lambda text: f"shown {text}")

    sections = SimpleNamespace(timeouts=SimpleNamespace(drain_s=7.0), limits=SimpleNamespace(requests=9))
    rules = SimpleNamespace(allowed_origins=frozenset({"https://app.example"}))
    meters = object()
    limits: Any = object()
    context = SimpleNamespace(limits=limits, allowances=SimpleNamespace(meters=meters))
    cleaner = cast(Cleaner, Hiding())
    in_force = running(config=SimpleNamespace(sections=sections), rules=rules, context=context, cleaner=cleaner)
    assert in_force.parts() is in_force.found
    assert (in_force.log_text("a"), in_force.shown_text("a")) == ("log of a", "shown a")
    assert (in_force.drain_s(), in_force.most_requests()) == (7.0, 9)
    assert in_force.limits() is limits
    assert in_force.key_meters() is meters
    assert dict(in_force.extra_headers([(b"origin", b"https://app.example")]))["access-control-allow-origin"]
    assert "access-control-allow-origin" not in dict(in_force.extra_headers([]))


def test_what_is_over_goes_to_the_archive_of_the_moment() -> None:
    kept: list[tuple[Any, ...]] = []
    in_force = running(archive=SimpleNamespace(keep=lambda *what: kept.append(what)), providers={}, background="work")
    flow = tflow.tflow()
    in_force.keep(flow)
    assert kept == [(flow, None, {}, "work")]


def test_costs_are_those_of_the_prices_in_force() -> None:
    spent = (record(Usage(1_000_000, 0, 1_000_000)), record(None))
    assert InForce().cost(spent) is None
    in_force = running(prices=lambda: prices(m=Price(Decimal(2), Decimal(8))))
    assert in_force.cost(spent) == 2 * DOLLAR
