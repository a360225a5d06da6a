"""Counts what a request that is over was: one call a request, nothing while it runs."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.telemetry.known_names import KnownNames, code, operation, status
from addons.telemetry.metrics import Metrics
from providers.contract.events import Usage

type Cost = Callable[[str, str, Usage], Decimal | None]
"""What tokens cost at a provider's model, in USD; None where that is not known."""


class RequestMeter:
    """Counts outcomes in the metrics. `names` and `cost` are those in force, given by `take_up`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics: Final = metrics
        self._names: KnownNames | None = None
        self._cost: Cost = lambda provider, model, usage: None

    def take_up(self, names: KnownNames, cost: Cost) -> None:
        """Other names are known from now on; series of those that have left are dropped."""
        self._names, self._cost = names, cost
        for family in self._metrics.families:
            family.keep(names.stand)

    def count(self, outcome: Outcome) -> None:
        """A request is over."""
        found, names = self._metrics, self._names
        if names is None:
            return
        key, what = names.key(outcome.key), operation(outcome.operation)
        model, (provider, account) = names.model(outcome.model), names.account(outcome.provider, outcome.account)
        found.requests.of(what, model, provider, account, key, outcome.outcome, status(outcome.status)).inc()
        if outcome.error_code:
            found.errors.of(code(outcome.error_code), provider).inc()
        if outcome.received_bytes:
            found.client_received.inc(outcome.received_bytes)
        if outcome.sent_bytes:
            found.client_sent.inc(outcome.sent_bytes)
        if not outcome.dialect:
            return
        found.duration.of(what, model, provider).observe(outcome.total_ms / 1000)
        if outcome.first_token_ms is not None:
            found.first_token.of(model, provider).observe(outcome.first_token_ms / 1000)
        if outcome.cache:
            found.cache.of(outcome.cache).inc()
        if outcome.records:
            found.queue_wait.of(provider).observe(outcome.wait_ms / 1000)
        for record in outcome.records:
            self._attempt(record, names, key)

    def _attempt(self, record: AttemptRecord, names: KnownNames, key: str) -> None:
        found, model = self._metrics, names.model(record.model)
        provider, account = names.account(record.provider, record.account)
        found.attempts.of(model, provider, account, record.error.kind if record.error is not None else "ok").inc()
        if (attempt := record.attempt) is not None:
            found.provider_received.of(provider).inc(attempt.report.received_bytes)
            found.provider_sent.of(provider).inc(attempt.sent_bytes)
        if (usage := record.usage) is not None:
            who = (model, provider, account, key)
            for kind, count in (
                ("input", usage.prompt_tokens),
                ("output", usage.completion_tokens),
                ("cached", usage.cached_tokens),
                ("reasoning", usage.reasoning_tokens),
            ):
                if count and count > 0:
                    found.tokens.of(kind, *who).inc(count)
            if (cost := self._cost(record.provider, record.model, usage)) is not None and cost > 0:
                found.cost.of(*who).inc(float(cost))
