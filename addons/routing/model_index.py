"""The model index: from a public model name to the providers that serve it. Pure; rebuilt when models are learnt."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from addons.words.name_pattern import NamePattern
from providers.contract.provider import Model

_NEAR_NAMES: Final = 500
_NEAR_CHARS: Final = 80
"""What is compared with an unknown name: each comparison costs its length squared."""
_MORE: Final = 3
"""Near names that are looked at beyond those wanted: an alias may lead to no model."""


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """One way to serve a model: the provider by its name in config.yaml, and the model as that provider knows it."""

    provider: str
    model: Model


class ModelIndex:
    """Public model ids, matched without regard to case, with the providers that serve each in config order."""

    def __init__(
        self,
        tables: Sequence[tuple[str, Mapping[str, Model]]],
        aliases: Mapping[str, str],
        disabled: Sequence[tuple[str, Mapping[str, Model]]] = (),
    ) -> None:
        """`disabled` are the tables of providers that are switched off: told of, not served."""
        self._routes: dict[str, list[ModelRoute]] = {}
        self._aliases = {name.casefold(): target for name, target in aliases.items() if "*" not in name}
        self._shown = {name.casefold(): name for name in aliases if "*" not in name}
        self._patterns = _patterns(aliases)
        self._providers = {provider.casefold() for provider, _ in tables}
        self._off = {model.id.casefold(): provider for provider, models in disabled for model in models.values()}
        self._off_names = {provider.casefold(): provider for provider, _ in disabled}
        for provider, models in tables:
            for model in models.values():
                self._routes.setdefault(model.id.casefold(), []).append(ModelRoute(provider, model))

    def find(self, name: str) -> Sequence[ModelRoute]:
        """The routes of a model, an alias, or a model of one provider (`provider/model`); empty when nobody serves it.

        A model goes before an alias of the same name, an alias before `provider/model`, that before a pattern, and of
        the patterns the longest first. An alias may stand for another; a circle of them stands for nothing.
        """
        return self._routes.get(name.strip().casefold()) or self._followed(name)[0]

    def _followed(self, name: str) -> tuple[Sequence[ModelRoute], str]:
        """The routes of a name, and the last name on the way to them."""
        passed = dict[str, str]()
        while (key := name.strip().casefold()) not in passed:
            passed[key] = name
            if found := self._routes.get(key):
                return found, name
            target = self._aliases.get(key)
            if target is None and (found := self._of_provider(key)):
                return found, name
            target = self._by_pattern(key) if target is None else target
            if target is None:
                break
            name = target
        return (), name

    def serves(self, name: str) -> bool:
        """Whether an alias or a fallback may stand for this."""
        return bool(self.find(name))

    def _of_provider(self, key: str) -> list[ModelRoute]:
        provider, slash, model = key.partition("/")
        if not slash or provider not in self._providers:
            return []
        return [route for route in self._routes.get(model, ()) if route.provider.casefold() == provider]

    def _by_pattern(self, key: str) -> str | None:
        return next((target for pattern, target in self._patterns if pattern.matches(key)), None)

    def unknown(self, name: str) -> str:
        """The message about a model that nobody serves: by whom it would be, names that look like it, where to look."""
        return f"{self._why_unknown(name)} GET /v1/models lists what is."

    def _why_unknown(self, name: str) -> str:
        said = f"the model {name[:100]!r} is not served here"
        target = self._followed(name)[1].strip()
        if (off := self._switched_off(name.strip().casefold()) or self._switched_off(target.casefold())) is not None:
            return f"{said}: it is one of provider {off!r}, which is disabled (enabled: false in config.yaml)."
        if target != name.strip():
            return f"{said}: it stands for {target[:100]!r} in models.aliases, which nobody serves."
        near = self.near(name)
        return f"{said}. Near names: {', '.join(near)}." if near else f"{said}."

    def _switched_off(self, key: str) -> str | None:
        """The provider that would serve it, by a model it is known to have or by its name (`provider/model`)."""
        return self._off.get(key) or (self._off_names.get(key.partition("/")[0]) if "/" in key else None)

    def near(self, name: str, most: int = 3) -> list[str]:
        """Names that are served and look like `name`, best first."""
        names = {routes[0].model.id.casefold(): routes[0].model.id for routes in self._routes.values()}
        names |= self._shown
        likely = list(islice((key for key in names if len(key) <= _NEAR_CHARS), _NEAR_NAMES))
        found = difflib.get_close_matches(name[:_NEAR_CHARS].casefold(), likely, n=most + _MORE, cutoff=0.5)
        return [names[key] for key in found if self.serves(key)][:most]

    def models(self) -> list[Model]:
        """One model an id, the first provider's, in order of config."""
        return [routes[0].model for routes in self._routes.values()]

    def aliases(self) -> Mapping[str, str]:
        """Alias as it is written in config.yaml → the model it stands for; without patterns."""
        return {shown: self._aliases[key] for key, shown in self._shown.items()}


def _patterns(aliases: Mapping[str, str]) -> list[tuple[NamePattern, str]]:
    """The aliases with a `*` and the model each stands for, the one with the most letters first."""
    found = [(NamePattern(name), target) for name, target in aliases.items() if "*" in name]
    return sorted(found, key=lambda one: one[0].letters, reverse=True)
