"""A request as the ledger has it: bounded words and numbers, no content. Pure."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.usage.prices import Prices
from addons.words.shown import shown
from providers.contract.events import Usage
from providers.contract.price import DOLLAR, Money

NANO: Final = 1_000_000_000
MOST_TOKENS: Final = 10**12
MOST_NANO: Final = 10**15
"""More than any request has; sums of many such rows are still numbers that a database can hold."""
_MOST_MS: Final = 10**12
_MODEL_CHARS: Final = 200
_NAME_CHARS: Final = 100
_NOBODY: Final = ("", "-")
_NO_USAGE: Final = Usage(0, 0, 0)
_NANO_MONEY: Final[Money] = DOLLAR // NANO

COLUMNS: Final = (
    "at", "request_id", "key", "client", "operation", "asked", "model", "provider", "account", "prompt_tokens",
    "completion_tokens", "cached_tokens", "written_tokens", "reasoning_tokens", "cost_nano", "outcome", "status",
    "error_code", "attempts", "cache", "wait_ms", "first_token_ms", "total_ms",
)  # fmt: skip
"""Of the table (addons/usage/tables.py)."""

type Row = tuple[
    int, str, str, str, str, str | None, str | None, str | None, str | None, int, int, int, int, int, int | None, str,
    int, str | None, int, str, int, int | None, int,
]  # fmt: skip
"""The values of a row, by these columns: a tuple, as each request makes one."""


def belongs(outcome: Outcome) -> bool:
    """Whether the ledger has it: what a provider was asked, or was to be, or what somebody with a key was refused.

    Whoever shows no right key cannot fill the disk, and the gateway's own pages are no usage.
    """
    if outcome.key in _NOBODY:
        return bool(outcome.records)  # sent again by somebody at the inspector
    return bool(outcome.dialect) or outcome.error is not None or bool(outcome.records)


def row_of(outcome: Outcome, prices: Prices, now: float, clean: Callable[[str], str]) -> Row:
    """The row of a request that ended `now` (Unix seconds). `clean` takes secrets out of what a client has said."""
    usage, asked, cost = outcome.spent or _NO_USAGE, outcome.asked, cost_of(outcome.records, prices)
    answered = bool(outcome.records) or outcome.cache == "hit"
    key, client, operation, how, model, provider, account = _names(
        outcome.key,
        outcome.client,
        outcome.operation,
        outcome.outcome,
        outcome.model if answered else None,
        outcome.provider or None if answered else None,
        outcome.account or None if answered else None,
    )
    if asked is not None:
        of_ours = answered and asked == outcome.model
        asked = model if of_ours else shown(clean(asked[: 2 * _MODEL_CHARS]), _MODEL_CHARS)
    return (
        round(now * 1000),
        shown(outcome.id, _NAME_CHARS),
        key,
        client,
        operation,
        asked,
        model,
        provider,
        account,
        _tokens(usage.prompt_tokens),
        _tokens(usage.completion_tokens),
        _tokens(usage.cached_tokens) if usage.cached_tokens else 0,
        _tokens(usage.written_tokens) if usage.written_tokens else 0,
        _tokens(usage.reasoning_tokens) if usage.reasoning_tokens else 0,
        nano(cost) if cost is not None else None,
        how,
        outcome.status,
        shown(outcome.error_code, _NAME_CHARS) if outcome.error_code else None,
        len(outcome.records),
        outcome.cache,
        _ms(outcome.wait_ms),
        _ms(outcome.first_token_ms) if outcome.first_token_ms is not None else None,
        _ms(outcome.total_ms),
    )


@lru_cache(maxsize=1024)
def _names(
    key: str, client: str, operation: str, how: str, model: str | None, provider: str | None, account: str | None
) -> tuple[str, str, str, str, str | None, str | None, str | None]:
    """The names that come again and again, bounded and printable."""
    return (
        shown(key, _NAME_CHARS),
        shown(client, _NAME_CHARS),
        shown(operation, _NAME_CHARS),
        shown(how, _NAME_CHARS),
        shown(model, _MODEL_CHARS) if model is not None else None,
        shown(provider, _NAME_CHARS) if provider is not None else None,
        shown(account, _NAME_CHARS) if account is not None else None,
    )


def cost_of(records: Iterable[AttemptRecord], prices: Prices) -> Money | None:
    """What attempts cost together; those without a known price nothing, and None where none has one."""
    total: Money | None = None
    for record in records:
        if record.usage is not None and (rates := prices.rates(record.provider, record.model)) is not None:
            total = (total or 0) + rates.cost(record.usage)
    return total


def nano(cost: Money) -> int:
    """Billionths of a USD, the nearest whole number of them."""
    whole, rest = divmod(cost, _NANO_MONEY)
    if 2 * rest > _NANO_MONEY or (2 * rest == _NANO_MONEY and whole % 2):
        whole += 1
    return min(max(whole, 0), MOST_NANO)


def dollars(nanos: int) -> Decimal:
    return Decimal(nanos) / NANO


def _tokens(count: int) -> int:
    return count if 0 <= count <= MOST_TOKENS else 0 if count < 0 else MOST_TOKENS


def _ms(value: int) -> int:
    return value if 0 <= value <= _MOST_MS else 0 if value < 0 else _MOST_MS
