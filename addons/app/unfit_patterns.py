"""Patterns of a key's models that fit no model that is served: what was meant, where it can be seen."""

from collections.abc import Iterable, Iterator
from typing import Final

from addons.config.secret_looks import looks_secret
from addons.keys.limits import KeyLimits
from addons.routing.model_index import ModelIndex

MOST_LOOKED_AT: Final = 200
"""Different patterns; each is compared with every model, and all else waits for it."""


def unfit_patterns(patterns: Iterable[str], index: ModelIndex) -> Iterator[tuple[str, str]]:
    """Each pattern that fits nothing, with what is to be said of it behind its name."""
    routes = served(index)
    aliases = {alias.casefold(): target for alias, target in index.aliases().items()}
    for pattern in list(dict.fromkeys(patterns))[:MOST_LOOKED_AT]:
        alone = KeyLimits(models=(pattern,))
        if any(alone.permits(provider, model) for provider, model in routes):
            continue
        if (target := aliases.get(pattern.casefold())) is not None:
            yield pattern, f"is an alias, and fits no model by that; name the model itself: {target}"
            continue
        near = [] if looks_secret(pattern) else index.near(pattern.replace("*", ""), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield pattern, f"fits no model that is served now{hint} (GET /v1/models lists them)"


def served(index: ModelIndex) -> list[tuple[str, str]]:
    """Provider and model of every route."""
    return [(route.provider, route.model.id) for model in index.models() for route in index.find(model.id)]
