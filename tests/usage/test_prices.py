"""Which price is in force for a model at a provider."""

from decimal import Decimal

import pytest

from addons.config.operating import PriceSettings
from addons.routing.model_index import ModelIndex
from addons.usage.prices import Prices
from providers.contract.events import Usage
from providers.contract.price import Price, dollars_of, money_of
from providers.contract.provider import Model

LISTED = Price(Decimal(7), Decimal(7))
INDEX = ModelIndex(
    [
        ("main", {"GLM-4.6": Model("GLM-4.6", "glm-4.6-x", price=LISTED), "GLM-5": Model("GLM-5", "glm-5-x")}),
        ("spare", {"GLM-4.6": Model("GLM-4.6", "z-ai/glm-4.6")}),
    ],
    {"fast": "GLM-4.6"},
)
MILLION = Usage(1_000_000, 0, 1_000_000)


def cost(names: dict[str, int], provider: str, model: str) -> Decimal | None:
    settings = {name: PriceSettings(input=Decimal(figure), output=Decimal(0)) for name, figure in names.items()}
    found = Prices(settings, INDEX).cost(provider, model, MILLION)
    return None if found is None else dollars_of(found)


@pytest.mark.parametrize(
    ("names", "provider", "model", "expected"),
    [
        ({}, "main", "GLM-4.6", 7),
        ({}, "main", "glm-4.6", 7),
        ({}, "main", "fast", 7),
        ({}, "spare", "GLM-4.6", None),
        ({}, "main", "unheard-of", None),
        ({}, "gone", "GLM-4.6", None),
        ({"glm-4.6": 1}, "main", "GLM-4.6", 1),
        ({"GLM-4.6": 1}, "spare", "GLM-4.6", 1),
        ({"GLM-4.6": 1, "spare/glm-4.6": 2}, "spare", "GLM-4.6", 2),
        ({"GLM-4.6": 1, "spare/glm-4.6": 2}, "main", "GLM-4.6", 1),
        ({"z-ai/glm-4.6": 3}, "spare", "GLM-4.6", 3),
        ({"z-ai/glm-4.6": 3}, "main", "GLM-4.6", 7),
        ({"FAST": 4}, "spare", "GLM-4.6", 4),
        ({"fast": 4, "glm-4.6": 1}, "spare", "GLM-4.6", 1),
        ({"GLM-*": 5}, "main", "GLM-4.6", 5),
        ({"GLM-*": 5, "GLM-4*": 6}, "main", "GLM-4.6", 6),
        ({"GLM-*": 5, "GLM-4.6": 1}, "main", "GLM-4.6", 1),
        ({"main/*": 8}, "main", "GLM-5", 8),
        ({"main/*": 8}, "spare", "GLM-4.6", None),
        ({"*": 0}, "main", "GLM-5", 0),
        ({"whoever": 9}, "gone", "whoever", 9),
        ({"gone/*": 9}, "gone", "unheard-of", 9),
    ],
)
def test_config_goes_before_what_is_known(
    names: dict[str, int], provider: str, model: str, expected: int | None
) -> None:
    found = cost(names, provider, model)
    assert found == expected


def test_cached_input_has_its_price_and_the_rest_follows_input() -> None:
    settings = {"GLM-5": PriceSettings(input=Decimal(2), output=Decimal(8), cached_input=Decimal("0.5"))}
    found = Prices(settings, INDEX).cost("main", "GLM-5", Usage(100, 10, 110, cached_tokens=60, written_tokens=20))
    assert found == money_of(Decimal("0.00019"))


def test_names_of_clients_do_not_pile_up() -> None:
    prices = Prices({}, INDEX)
    for number in range(4100):
        prices.rates("main", f"made-up-{number}")
    assert len(prices._known) < 10
