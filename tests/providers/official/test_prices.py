"""Prices by name, and as lists of models tell them."""

from decimal import Decimal
from typing import Any

import pytest

from providers.contract.price import LongerPrompt, Price
from providers.contract.provider import Model
from providers.official.prices import listed_price, price_of, priced, table

TABLE = table(
    """
    one,other   1   2
    >100        3   4     0.5
    >200        5   6
    cached      1   2     0.1   1.25
    """
)


def test_a_table_is_read_line_by_line() -> None:
    last = LongerPrompt(200, Price(Decimal(5), Decimal(6)))
    one = Price(
        Decimal(1), Decimal(2), longer=LongerPrompt(100, Price(Decimal(3), Decimal(4), Decimal("0.5"), longer=last))
    )
    assert TABLE["one"] == TABLE["other"] == one
    assert TABLE["cached"] == Price(Decimal(1), Decimal(2), Decimal("0.1"), Decimal("1.25"))


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("ONE", True),
        ("one-2026-11-01", True),
        ("one-20261101", True),
        ("one-latest", True),
        ("one-2411", False),
        ("one-2026-11-01-more", False),
        ("one-mini", False),
        ("", False),
    ],
)
def test_a_snapshot_costs_what_its_model_does(name: str, known: bool) -> None:
    assert price_of(TABLE, name) == (TABLE["one"] if known else None)


def test_models_get_their_prices_by_the_names_their_api_has() -> None:
    listed = Price(Decimal(9), Decimal(9))
    models = {"a": Model("a", "one"), "b": Model("b", "one", price=listed), "c": Model("c", "unheard-of")}
    found = priced(models, TABLE)
    assert [model.price for model in found.values()] == [TABLE["one"], listed, None]
    assert priced(models, {}) is models


@pytest.mark.parametrize(
    ("pricing", "price"),
    [
        ({"prompt": "0.0000008", "completion": "0.000002"}, Price(Decimal("0.8"), Decimal(2))),
        (
            {"prompt": "0", "completion": "0", "input_cache_read": "0.00000001", "input_cache_write": "0.000001"},
            Price(Decimal(0), Decimal(0), Decimal("0.01"), Decimal(1)),
        ),
        ({"prompt": "-1", "completion": "-1"}, None),
        ({"prompt": 0.1, "completion": 0.2}, None),
        ({"prompt": "1e-6", "completion": "1"}, None),
        ({"prompt": "1" * 90, "completion": "1"}, None),
        ({"prompt": "0.000001"}, None),
        ("free", None),
        (None, None),
    ],
)
def test_a_list_may_tell_prices_by_the_token(pricing: Any, price: Price | None) -> None:
    assert listed_price({"pricing": pricing}) == price
