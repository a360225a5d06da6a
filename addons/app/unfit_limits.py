"""Limits of a key that do not do what was meant: patterns that fit no model, a budget of models without a price.

Told when the key is made or changed; never refused: a model may come back, and a price be named later.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from addons.app.unfit_patterns import served, unfit_patterns
from addons.app.unserved_names import asks_its_site
from addons.config.configuration import Config
from addons.config.operating import PriceSettings
from addons.config.providers import make_providers
from addons.keys.limits import KeyLimits
from addons.routing.model_index import ModelIndex
from addons.routing.models import Models
from addons.usage.prices import Prices

_NAME_ONE: Final = "prices in config.yaml may name one"


def unfit(limits: KeyLimits, index: ModelIndex, prices: Mapping[str, PriceSettings]) -> list[str]:
    """A sentence for each thing that is amiss with these limits, by the models that are served now and the `prices` of
    config.yaml. Shares nothing that changes, so that another thread may ask."""
    return [*_of_patterns(limits, index), *_of_budget(limits, index, Prices(prices, index))]


def unfit_without_asking(limits: KeyLimits, config: Config) -> list[str]:
    """The same by what providers know by themselves; nothing where a site's own list is still to be asked for."""
    providers = make_providers(config)
    if any(map(asks_its_site, providers.values())):
        return []
    index = Models(providers, config.sections.models.aliases)()
    return unfit(limits, index, config.sections.prices)


def _of_patterns(limits: KeyLimits, index: ModelIndex) -> Iterator[str]:
    for pattern, words in unfit_patterns(limits.models or (), index):
        yield f"--models {pattern!r} {words}"


def _of_budget(limits: KeyLimits, index: ModelIndex, prices: Prices) -> Iterator[str]:
    if limits.budget is None:
        return
    may = [(provider, model) for provider, model in served(index) if limits.permits(provider, model)]
    free = [model for provider, model in may if prices.rates(provider, model) is None]
    if len(free) == len(may) and free:
        yield f"--budget: no model that it may ask has a known price, so all count as free; {_NAME_ONE}"
    elif free:
        yield (
            f"--budget: {len(free)} of the {len(may)} models that it may ask have no known price ({free[0]} …) and "
            f"count as free; {_NAME_ONE}"
        )
