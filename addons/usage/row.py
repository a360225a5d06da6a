"""A request as the ledger has it: bounded words and numbers, no content. Pure."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, TypedDict

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.usage.prices import Prices
from addons.words.shown import shown
from providers.contract.events import Usage

NANO: Final = 1_000_000_000
MOST_TOKENS: Final = 10**12
MOST_NANO: Final = 10**15
"""More than any request has; sums of many such rows are still numbers that a database can hold."""
_MOST_MS: Final = 10**12
_MODEL_CHARS: Final = 200
_NAME_CHARS: Final = 100
_NOBODY: Final = ("", "-")
_NO_USAGE: Final = Usage(0, 0, 0)


class Row(TypedDict):
    """A row of the table (addons/usage/tables.py)."""

    at: int
    request_id: str
    key: str
    client: str
    operation: str
    asked: str | None
    model: str | None
    provider: str | None
    account: str | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    written_tokens: int
    reasoning_tokens: int
    cost_nano: int | None
    outcome: str
    status: int
    error_code: str | None
    attempts: int
    cache: str
    wait_ms: int
    first_token_ms: int | None
    total_ms: int


def belongs(outcome: Outcome) -> bool:
    """Whether the ledger has it: what a provider was asked, or was to be, or what somebody with a key was refused.

    Whoever shows no right key cannot fill the disk, and the gateway's own pages are no usage.
    """
    if outcome.key in _NOBODY:
        return bool(outcome.records)  # sent again by somebody at the inspector
    return bool(outcome.dialect) or outcome.error is not None or bool(outcome.records)


def row_of(outcome: Outcome, prices: Prices, now: float, clean: Callable[[str], str]) -> Row:
    """The row of a request that ended `now` (Unix seconds). `clean` takes secrets out of what a client has said."""
    usage, asked = outcome.spent or _NO_USAGE, outcome.asked
    answered = bool(outcome.records) or outcome.cache == "hit"
    if asked is not None and not (answered and asked == outcome.model):
        asked = clean(asked[: 2 * _MODEL_CHARS])
    return Row(
        at=round(now * 1000),
        request_id=_name(outcome.id),
        key=_name(outcome.key),
        client=_name(outcome.client),
        operation=_name(outcome.operation),
        asked=_model(asked),
        model=_model(outcome.model) if answered else None,
        provider=_name(outcome.provider) if answered and outcome.provider else None,
        account=_name(outcome.account) if answered and outcome.account else None,
        prompt_tokens=_tokens(usage.prompt_tokens),
        completion_tokens=_tokens(usage.completion_tokens),
        cached_tokens=_tokens(usage.cached_tokens),
        written_tokens=_tokens(usage.written_tokens),
        reasoning_tokens=_tokens(usage.reasoning_tokens),
        cost_nano=nano(cost) if (cost := cost_of(outcome.records, prices)) is not None else None,
        outcome=_name(outcome.outcome),
        status=outcome.status,
        error_code=_name(outcome.error_code) if outcome.error_code else None,
        attempts=len(outcome.records),
        cache=outcome.cache,
        wait_ms=_ms(outcome.wait_ms),
        first_token_ms=_ms(outcome.first_token_ms) if outcome.first_token_ms is not None else None,
        total_ms=_ms(outcome.total_ms),
    )


def cost_of(records: Iterable[AttemptRecord], prices: Prices) -> Decimal | None:
    """What attempts cost together, in USD; those without a known price nothing, and None where none has one."""
    total: Decimal | None = None
    for record in records:
        if record.usage is None:
            continue
        cost = prices.cost(record.provider, record.model, record.usage)
        if cost is not None:
            total = cost if total is None else total + cost
    return total


def nano(cost: Decimal) -> int:
    """Billionths of a USD, the nearest whole number of them."""
    return min(int((cost * NANO).to_integral_value()), MOST_NANO)


def dollars(nanos: int) -> Decimal:
    return Decimal(nanos) / NANO


def _tokens(count: int | None) -> int:
    return min(max(count or 0, 0), MOST_TOKENS)


def _ms(value: int) -> int:
    return min(max(value, 0), _MOST_MS)


def _name(text: str) -> str:
    return shown(text, _NAME_CHARS)


def _model(text: str | None) -> str | None:
    return shown(text, _MODEL_CHARS) if text is not None else None
