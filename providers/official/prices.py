"""Prices of official APIs: looked up by a model's name, and read of lists that tell them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from providers.contract.price import LongerPrompt, Price
from providers.contract.provider import Model
from providers.formats.jsontext import mapping

type PriceTable = Mapping[str, Price]
"""An API's own name of a model, in lower case → its price."""

NO_PRICES: Final[PriceTable] = {}
_SNAPSHOT: Final = re.compile(r"-(?:20\d{2}-\d{2}-\d{2}|20\d{6}|latest)\Z", re.ASCII)
"""What names a version of a model, which costs the same: gpt-4.1-2025-04-14, claude-haiku-4-5-20251001."""
_PER_TOKEN: Final = re.compile(r"\d{1,2}(?:\.\d{1,15})?", re.ASCII)
_MILLION: Final = 1_000_000


def table(text: str) -> PriceTable:
    """The prices written a line each: names with commas between, then input, output, cached input and cache writes in
    USD per million tokens (`-`: as any input). A line that begins with `>` has those of the names before it for prompts
    of more tokens than that."""
    found: dict[str, Price] = {}
    steps: list[tuple[int, Price]] = []
    names: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        first, *figures = line.split()
        if first.startswith(">"):
            steps.append((int(first[1:]), _price(figures)))
        else:
            names, steps = first.split(","), [(0, _price(figures))]
        found |= dict.fromkeys(names, _stepped(steps))
    return found


def _price(figures: list[str]) -> Price:
    told = [None if figure == "-" else Decimal(figure) for figure in (*figures, "-", "-")]
    plain, output = told[0], told[1]
    assert plain is not None
    assert output is not None
    return Price(plain, output, told[2], told[3])


def _stepped(steps: list[tuple[int, Price]]) -> Price:
    """The first price, each with what holds beyond the next figure."""
    than, price = steps[-1]
    for before, lower in reversed(steps[:-1]):
        than, price = before, replace(lower, longer=LongerPrompt(than, price))
    return price


def price_of(prices: PriceTable, name: str) -> Price | None:
    """The price of a model by the API's name of it; a snapshot has that of the name it is one of."""
    folded = name.casefold()
    return prices.get(folded) or prices.get(_SNAPSHOT.sub("", folded))


def priced(models: Mapping[str, Model], prices: PriceTable) -> Mapping[str, Model]:
    """The models with their prices; one that has a price keeps it."""
    if not prices:
        return models
    return {
        name: model if model.price is not None else replace(model, price=price_of(prices, model.site_id))
        for name, model in models.items()
    }


def listed_price(entry: Mapping[str, Any]) -> Price | None:
    """The price that an entry of a list of models tells, in USD per token as text (OpenRouter's `pricing`)."""
    told = mapping(entry.get("pricing"))
    plain, output = _per_million(told.get("prompt")), _per_million(told.get("completion"))
    if plain is None or output is None:
        return None
    cached, written = _per_million(told.get("input_cache_read")), _per_million(told.get("input_cache_write"))
    return Price(plain, output, cached, written)


def _per_million(value: Any) -> Decimal | None:
    if not isinstance(value, str) or not _PER_TOKEN.fullmatch(value):
        return None
    return Decimal(value) * _MILLION
