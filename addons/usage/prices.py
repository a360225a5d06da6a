"""Prices in force: those of config.yaml, then what is known of a provider's models."""

from collections.abc import Iterator, Mapping
from typing import Final

from addons.config.operating import PriceSettings
from addons.routing.model_index import ModelIndex, ModelRoute
from addons.words.name_pattern import NamePattern
from providers.contract.events import Usage
from providers.contract.price import Money, Price, Rates

_KNOWN_LIMIT: Final = 4096
"""Models whose price was looked up; names of models that no list has come from clients."""


class Prices:
    """The prices of one configuration and one model index; calls take a model by the name it was asked under there."""

    def __init__(self, settings: Mapping[str, PriceSettings], index: ModelIndex) -> None:
        """`settings`: `prices` of config.yaml. A name there is a model's (public, as `provider/model`, or the
        provider's own), or an alias of one; of those with `*` the one with the most letters counts."""
        own = {name.strip().casefold(): _price(price) for name, price in settings.items()}
        self._named: Final = {name: price for name, price in own.items() if "*" not in name}
        patterns = [(NamePattern(name), price) for name, price in own.items() if "*" in name]
        self._patterns: Final = sorted(patterns, key=lambda one: one[0].letters, reverse=True)
        self.index: Final = index
        """The models they are prices of."""
        self._by_alias: Final = {
            (route.provider, route.model.id): price for name, price in self._named.items() for route in index.find(name)
        }
        self._known: dict[tuple[str, str], Rates | None] = {}

    def cost(self, provider: str, model: str, usage: Usage) -> Money | None:
        """What these tokens cost at a provider (its name in config.yaml); None where no price is known."""
        rates = self.rates(provider, model)
        return rates.cost(usage) if rates is not None else None

    def rates(self, provider: str, model: str) -> Rates | None:
        """What tokens of a model cost at a provider, if that is known."""
        key, known = (provider, model), self._known
        try:
            return known[key]
        except KeyError:
            if len(known) >= _KNOWN_LIMIT:
                known.clear()
            price = self._found(provider, model)
            found = known[key] = price.rates() if price is not None else None
            return found

    def _found(self, provider: str, model: str) -> Price | None:
        route = next((route for route in self.index.find(model) if route.provider == provider), None)
        names = [name.casefold() for name in _names(provider, model, route)]
        for name in names:
            if (price := self._named.get(name)) is not None:
                return price
        if route is not None and (price := self._by_alias.get((provider, route.model.id))) is not None:
            return price
        for pattern, price in self._patterns:
            if any(map(pattern.matches, names)):
                return price
        return route.model.price if route is not None else None


def _names(provider: str, model: str, route: ModelRoute | None) -> Iterator[str]:
    """What the model is called, the most particular name first."""
    for name in (model,) if route is None else (route.model.id, route.model.site_id, model):
        yield f"{provider}/{name}"
    yield from (model,) if route is None else (route.model.id, route.model.site_id, model)


def _price(settings: PriceSettings) -> Price:
    """One without a price of cached input asks the same for all input."""
    return Price(settings.input, settings.output, settings.cached_input)
