"""From a public model name to the providers that can serve it. Pure; rebuilt when a provider learnt new models."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from providers.contract import Model

_NEAR_NAMES: Final = 500
_NEAR_CHARS: Final = 80
"""What is compared with an unknown name: each comparison costs its length squared."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way to serve a model: the provider by its name in config.yaml, and the model as that provider knows it."""

    provider: str
    model: Model


class ModelIndex:
    """Public model ids, matched without regard to case, with the providers that serve each in config order."""

    def __init__(self, tables: Sequence[tuple[str, Mapping[str, Model]]], aliases: Mapping[str, str]) -> None:
        self._routes: dict[str, list[Route]] = {}
        self._aliases = {name.casefold(): target for name, target in aliases.items()}
        for provider, models in tables:
            for model in models.values():
                self._routes.setdefault(model.id.casefold(), []).append(Route(provider, model))

    def find(self, name: str) -> Sequence[Route]:
        """The routes of a model or alias; empty when nobody serves it."""
        key = name.strip().casefold()
        if key not in self._routes and key in self._aliases:
            key = self._aliases[key].casefold()
        return self._routes.get(key, ())

    def near(self, name: str, most: int = 3) -> list[str]:
        """Known names that look like `name`, best first."""
        names = {routes[0].model.id.casefold(): routes[0].model.id for routes in self._routes.values()}
        names |= {alias: alias for alias in self._aliases}
        likely = list(islice((key for key in names if len(key) <= _NEAR_CHARS), _NEAR_NAMES))
        found = difflib.get_close_matches(name[:_NEAR_CHARS].casefold(), likely, n=most, cutoff=0.5)
        return [names[key] for key in found]

    def models(self) -> list[Model]:
        """One model an id, the first provider's, in order of config."""
        return [routes[0].model for routes in self._routes.values()]

    def aliases(self) -> Mapping[str, str]:
        return self._aliases
