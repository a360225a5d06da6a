"""Outcomes and rows for tests of the ledger."""

from typing import Any, cast

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.routing.model_index import ModelIndex
from addons.usage.prices import Prices
from addons.usage.row import COLUMNS, Row, row_of
from providers.contract.events import Usage
from providers.contract.price import Price
from providers.contract.provider import Model

NOW = 1_800_000_000.0


def prices(**models: Price) -> Prices:
    """Prices of models at the provider `zai`."""
    return Prices(
        {}, ModelIndex([("zai", {name: Model(name, name, price=price) for name, price in models.items()})], {})
    )


def record(usage: Usage | None = None, *, model: str = "m", provider: str = "zai") -> AttemptRecord:
    return AttemptRecord("req_1", 1, model, provider, "main", usage=usage)


def outcome(*records: AttemptRecord, **changed: Any) -> Outcome:
    fields: dict[str, Any] = {
        "id": "req_1",
        "key": "ada",
        "path": "/v1/chat/completions",
        "status": 200,
        "model": "m",
        "provider": "zai",
        "account": "main",
        "records": records,
        "total_ms": 1500,
        "client": "127.0.0.1",
        "method": "POST",
        "asked": "m",
        "dialect": "chat_completions",
        "operation": "chat",
    }
    return Outcome(**fields | changed)


def row(at: float = NOW, **changed: Any) -> Row:
    """A row of a request with 10 and 5 tokens, at a time in Unix seconds."""
    made = named(row_of(outcome(record(Usage(10, 5, 15))), prices(), at, str)) | changed
    assert made.keys() == set(COLUMNS)
    return cast(Row, tuple(made.values()))


def named(values: Row) -> dict[str, Any]:
    """The values of a row by their columns."""
    return dict(zip(COLUMNS, values, strict=True))
