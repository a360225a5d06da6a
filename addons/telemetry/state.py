"""How the gateway is now, looked at when somebody scrapes: accounts, queues, what runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from addons.accounts.health import Health

_WHO: Final = ("provider", "account")


@dataclass(frozen=True, slots=True)
class AccountNow:
    """One account."""

    provider: str
    account: str
    health: Health
    running: int
    """Requests under way at it."""
    waiting: int
    """Requests in line for it."""
    breakers: Mapping[str, int]
    """State of a breaker → how many of its models have it in that."""


@dataclass(frozen=True, slots=True)
class Now:
    """The state of one moment."""

    version: str = ""
    requests: int = 0
    """Under way."""
    streams: int = 0
    """Of these: a provider's answer is being passed on."""
    draining: bool = False
    problems: int = 0
    accounts: tuple[AccountNow, ...] = ()
    cached_bytes: int = 0
    cached_answers: int = 0


class StateCollector(Collector):
    """Gives a registry the metrics of a moment, which is put here before a scrape."""

    def __init__(self) -> None:
        self.now = Now()

    def collect(self) -> Iterator[Metric]:
        now = self.now
        yield _one("build_info", "The version that runs.", 1, ("version",), (now.version,))
        yield _one("requests_running", "Requests under way.", now.requests)
        yield _one("streams_running", "Answers of providers that are being passed on.", now.streams)
        yield _one("draining", "1 while the gateway ends.", int(now.draining))
        yield _one("problems", "What /healthz is degraded for.", now.problems)
        yield _one("cache_bytes", "What kept answers take.", now.cached_bytes)
        yield _one("cache_answers", "Kept answers.", now.cached_answers)
        yield from _accounts(now.accounts)


def _accounts(accounts: tuple[AccountNow, ...]) -> Iterator[Metric]:
    running = GaugeMetricFamily("glassgate_account_requests_running", "Requests under way at an account.", labels=_WHO)
    waiting = GaugeMetricFamily("glassgate_queue_waiting", "Requests in line for an account.", labels=_WHO)
    state = GaugeMetricFamily(
        "glassgate_account_state", "1 for the state an account is in, 0 for the others.", labels=(*_WHO, "state")
    )
    breakers = GaugeMetricFamily(
        "glassgate_account_breakers", "Models of an account by their breaker's state.", labels=(*_WHO, "state")
    )
    for one in accounts:
        who = (one.provider, one.account)
        running.add_metric(who, one.running)
        waiting.add_metric(who, one.waiting)
        for health in Health:
            state.add_metric((*who, health.value), int(one.health is health))
        for name, count in one.breakers.items():
            breakers.add_metric((*who, name), count)
    yield from (running, waiting, state, breakers)


def _one(name: str, about: str, value: float, labels: tuple[str, ...] = (), values: tuple[str, ...] = ()) -> Metric:
    found = GaugeMetricFamily(f"glassgate_{name}", about, labels=labels)
    found.add_metric(values, value)
    return found
