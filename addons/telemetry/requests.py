"""Counts what a request that is over was: one call a request, nothing while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.telemetry.known_names import KnownNames, code, operation, status
from addons.telemetry.metrics import Metrics
from addons.telemetry.series import Counter, Histogram
from providers.contract.events import Usage
from providers.contract.price import DOLLAR, Money

type Cost = Callable[[str, str, Usage], Money | None]
"""What tokens cost at a provider's model; None where that is not known."""

_MOST_REMEMBERED: Final = 1000
"""Ways in which requests have ended, or attempts, whose series are remembered; their names may be made up."""


@dataclass(slots=True)
class _Ended:
    """The series of requests that are over in one way; those that only some of them count are found as they come."""

    operation: str
    model: str
    provider: str
    requests: Counter
    duration: Histogram | None = None
    first_token: Histogram | None = None
    queue_wait: Histogram | None = None


@dataclass(slots=True)
class _Attempted:
    """The series of attempts at one account, for one client key."""

    who: tuple[str, str, str, str]
    """Model, provider, account, key."""
    results: dict[str, Counter] = field(default_factory=dict)
    received: Counter | None = None
    sent: Counter | None = None
    tokens: dict[str, Counter] = field(default_factory=dict)
    cost: Counter | None = None


class RequestMeter:
    """Counts outcomes in the metrics. `names` and `cost` are those in force, given by `take_up`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics: Final = metrics
        self._names: KnownNames | None = None
        self._cost: Cost = lambda provider, model, usage: None
        self._ended: dict[tuple[object, ...], _Ended] = {}
        """By what an outcome itself says: so a name is looked for once, not with each request."""
        self._attempted: dict[tuple[str, str, str, str], _Attempted] = {}

    def take_up(self, names: KnownNames, cost: Cost) -> None:
        """Other names are known from now on; series of those that have left are dropped."""
        self._names, self._cost = names, cost
        self._ended.clear()
        self._attempted.clear()
        for family in self._metrics.families:
            family.keep(names.stand)

    def count(self, outcome: Outcome) -> None:
        """A request is over."""
        found, names = self._metrics, self._names
        if names is None:
            return
        way = (
            outcome.operation, outcome.model, outcome.provider, outcome.account, outcome.key, outcome.outcome,
            outcome.status,
        )  # fmt: skip
        ended = self._ended.get(way)
        if ended is None:
            ended = _remembered(self._ended, way, self._of_outcome(outcome, names))
        ended.requests.inc()
        if outcome.error_code:
            found.errors.of(code(outcome.error_code), ended.provider).inc()
        if outcome.received_bytes:
            found.client_received.inc(outcome.received_bytes)
        if outcome.sent_bytes:
            found.client_sent.inc(outcome.sent_bytes)
        if not outcome.dialect:
            return
        if (duration := ended.duration) is None:
            duration = ended.duration = found.duration.of(ended.operation, ended.model, ended.provider)
        duration.observe(outcome.total_ms / 1000)
        if outcome.first_token_ms is not None:
            if (first_token := ended.first_token) is None:
                first_token = ended.first_token = found.first_token.of(ended.model, ended.provider)
            first_token.observe(outcome.first_token_ms / 1000)
        if outcome.cache:
            found.cache.of(outcome.cache).inc()
        if outcome.records:
            if (queue_wait := ended.queue_wait) is None:
                queue_wait = ended.queue_wait = found.queue_wait.of(ended.provider)
            queue_wait.observe(outcome.wait_ms / 1000)
            for record in outcome.records:
                self._attempt(record, names, outcome.key)

    def _of_outcome(self, outcome: Outcome, names: KnownNames) -> _Ended:
        key, what = names.key(outcome.key), operation(outcome.operation)
        model, (provider, account) = names.model(outcome.model), names.account(outcome.provider, outcome.account)
        requests = self._metrics.requests.of(
            what, model, provider, account, key, outcome.outcome, status(outcome.status)
        )
        return _Ended(what, model, provider, requests)

    def _attempt(self, record: AttemptRecord, names: KnownNames, key: str) -> None:
        found, way = self._metrics, (record.model, record.provider, record.account, key)
        at = self._attempted.get(way)
        if at is None:
            who = (names.model(record.model), *names.account(record.provider, record.account), names.key(key))
            at = _remembered(self._attempted, way, _Attempted(who))
        result = record.error.kind if record.error is not None else "ok"
        if (results := at.results.get(result)) is None:
            results = at.results[result] = found.attempts.of(*at.who[:3], result)
        results.inc()
        if (attempt := record.attempt) is not None:
            if (received := at.received) is None:
                received = at.received = found.provider_received.of(at.who[1])
            received.inc(attempt.report.received_bytes)
            if (sent := at.sent) is None:
                sent = at.sent = found.provider_sent.of(at.who[1])
            sent.inc(attempt.sent_bytes)
        if (usage := record.usage) is not None:
            self._tokens(at, "input", usage.prompt_tokens)
            self._tokens(at, "output", usage.completion_tokens)
            self._tokens(at, "cached", usage.cached_tokens)
            self._tokens(at, "reasoning", usage.reasoning_tokens)
            if (cost := self._cost(record.provider, record.model, usage)) is not None and cost > 0:
                if at.cost is None:
                    at.cost = found.cost.of(*at.who)
                at.cost.inc(cost / DOLLAR)

    def _tokens(self, at: _Attempted, kind: str, count: int | None) -> None:
        if count and count > 0:
            if (tokens := at.tokens.get(kind)) is None:
                tokens = at.tokens[kind] = self._metrics.tokens.of(kind, *at.who)
            tokens.inc(count)


def _remembered[Way, Series](known: dict[Way, Series], way: Way, series: Series) -> Series:
    """The series, kept by their way; where too many are, all are forgotten, and looked for anew."""
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[way] = series
    return series
