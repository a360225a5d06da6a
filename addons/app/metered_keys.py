"""The part that keeps the meters of client keys: what they used before the start, what each request has used, and the
end of answers that run over. It costs nothing where no key has limits."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

from addons.app.exchanges import Exchanges
from addons.app.jobs import Job
from addons.app.optional_part import OptionalPart
from addons.app.runtime import Running
from addons.exchange.allowance import RatesOf
from addons.exchange.exchange import Exchange
from addons.exchange.outcome import Outcome
from addons.ingress.key_limits import ran_over
from addons.keys.limits import PERIODS, KeyLimits, Period, period_start
from addons.keys.meter import Estimate
from addons.keys.period_sums import DAY_S
from addons.usage.errors import LedgerError
from addons.usage.spending import Spent, spending_of
from providers.contract.events import Usage
from providers.contract.price import Money, money_of

log = logging.getLogger("glassgate")

LOOK_S: Final = 0.5
_AGES_S: Final = (86_400, 64_800, 43_200, 21_600)
"""What a key used before the start is known by quarters of a day …"""
_NEWEST_S: Final = (64_800, 43_200, 21_600, 0)
"""… each of which counts as if all of it were its newest."""

type _Before = tuple[Mapping[float, int], Mapping[Period, Money]]


class MeteredKeys(OptionalPart):
    """`now` gives Unix seconds."""

    def __init__(self, exchanges: Exchanges, now: Callable[[], float]) -> None:
        self._exchanges = exchanges
        self._now = now
        self._parts: Running | None = None
        self._rules: object = None

    def take_up(self, parts: Running) -> None:
        first, self._parts = self._parts is None, parts
        parts.context.allowances.rates = lambda provider, model: parts.prices().rates(provider, model)
        if first:  # before any request: the wait is the start's
            fresh = self._fresh(parts)
            self._seed(parts, fresh, self._before(parts, fresh))

    def jobs(self) -> Sequence[Job]:
        return (Job("limits of keys", LOOK_S, self._look),)

    async def ended(self, outcome: Outcome) -> None:
        parts = self._parts
        if parts is None:
            return
        of = parts.context.allowances
        if (use := of.meters.use(outcome.id)) is not None:
            of.meters.settle(outcome.id, *used(outcome, use.estimate, of.rates))

    async def _look(self) -> None:
        parts = self._parts
        if parts is None:
            return
        if parts.rules is not self._rules:
            fresh = self._fresh(parts)
            self._seed(parts, fresh, await asyncio.to_thread(self._before, parts, fresh))
        if parts.config.sections.limits.over == "end":
            self._end_those_over(parts)

    def _fresh(self, parts: Running) -> Mapping[str, bytes]:
        """Keeps the meters of the keys there are; gives those of which it is not known yet what they have used."""
        self._rules = parts.rules
        known = {who.digest: who for who in parts.rules.keys.all()} if parts.rules.keys is not None else {}
        found = parts.context.allowances.meters.keep({digest: who.limits for digest, who in known.items()})
        return {known[digest].name: digest for digest in found if digest in known}

    @staticmethod
    def _seed(parts: Running, fresh: Mapping[str, bytes], before: Mapping[str, _Before]) -> None:
        for name, digest in fresh.items():
            parts.context.allowances.meters.seed(digest, *before.get(name, ({}, {})))

    def _before(self, parts: Running, names: Collection[str]) -> Mapping[str, _Before]:
        """What keys had used by the ledger, by their names: tokens by their age, and USD by period. Blocks."""
        try:
            return _in_ledger(parts, names, self._now()) if names else {}
        except LedgerError as e:
            log.warning("what client keys have used cannot be read: %s. Their limits count from now on", e)
            return {}

    def _end_those_over(self, parts: Running) -> None:
        """Ends the answers of keys that have used up, with what these answers have said so far, what they may use."""
        of_request: dict[str, Exchange] | None = None
        for key in parts.context.allowances.meters.running():
            limits = key.limits
            if limits.tokens_per_day is None and limits.budget is None:
                continue
            if of_request is None:
                of_request = {exchange.id: exchange for exchange in self._exchanges}
            found = [(of_request[one], use.estimate) for one, use in key.running.items() if one in of_request]
            soon = [so_far(exchange, estimate, parts.context.allowances.rates) for exchange, estimate in found]
            which = over(limits, key.tokens + sum(told for told, _ in soon), key.spent + sum(cost for _, cost in soon))
            if which and found:
                ended = [exchange for exchange, _ in found if exchange.stopped is None]
                self._exchanges.end(ended, ran_over(which, found[0][0].key, limits))


def _in_ledger(parts: Running, names: Collection[str], now: float) -> Mapping[str, _Before]:
    """Raises LedgerError."""
    spending = spending_of(parts.config)
    soon = now + DAY_S  # what is dated later, a clock gone wrong has dated: it is of no day, and no key began then
    begun = {key.name: key.created for key in parts.managed.found.keys if key.created <= soon}
    ahead = spending.spent(dict.fromkeys(names, soon))
    ages = [spending.spent({name: max(begun.get(name, 0), now - age_s) for name in names}) for age_s in _AGES_S]
    periods = {
        period: spending.spent({name: max(begun.get(name, 0), period_start(period, now)) for name in names})
        for period in PERIODS
    }
    nothing = Spent(0, Decimal(0))
    return {
        name: (
            {
                older_s: max(0, more.get(name, nothing).tokens - less.get(name, nothing).tokens)
                for older_s, more, less in zip(_NEWEST_S, ages, [*ages[1:], ahead], strict=True)
            },
            {
                period: money_of(found.get(name, nothing).cost - (later.cost if period != "total" else 0))
                for period, found in periods.items()
            },
        )
        for name in names
        for later in (ahead.get(name, nothing),)
    }


def over(limits: KeyLimits, tokens: int, spent: Money) -> str:
    """Which limit is passed with so much used; none where none is."""
    if limits.tokens_per_day is not None and tokens > limits.tokens_per_day:
        return "tokens"
    return "budget" if limits.budget is not None and spent > money_of(limits.budget.amount) else ""


def so_far(exchange: Exchange, estimate: Estimate, rates: RatesOf) -> tuple[int, Money]:
    """Tokens and cost of a request under way: its prompt once it was sent, and what has come of its answer."""
    attempt, about = exchange.attempt, exchange.about
    if attempt is None or about is None or attempt.sent_at is None:
        return 0, 0
    usage = Usage(estimate.prompt, attempt.reader.answered, estimate.prompt + attempt.reader.answered)
    model, provider, _ = about
    of_it = rates(provider, model)
    return usage.total_tokens, of_it.cost(usage) if of_it is not None else 0


def used(outcome: Outcome, estimate: Estimate, rates: RatesOf) -> tuple[int, Money]:
    """Tokens and cost of a request that is over. Who leaves before a word has come has had its prompt read all the
    same."""
    tokens, cost, told = 0, 0, False
    for record in outcome.records:
        if (usage := record.usage) is not None:
            told = True
            tokens += usage.prompt_tokens + usage.completion_tokens
            if (of_it := rates(record.provider, record.model)) is not None:
                cost += of_it.cost(usage)
    if told:
        return tokens, cost
    if (spent := outcome.spent) is not None:
        return spent.prompt_tokens + spent.completion_tokens, 0
    asked = any(record.attempt is not None and record.attempt.sent_at is not None for record in outcome.records)
    left = outcome.outcome == "client_left" and asked
    return (estimate.prompt, estimate.prompt_cost) if left else (0, 0)
