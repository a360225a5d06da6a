"""Names of models in one section of config.yaml that no provider of another serves: aliases, fallbacks, strategies,
and the patterns of client keys.

Told at the start, after a reload, by `glassgate doctor` and `glassgate models`; never refused: everything else works, a
site's live list may bring the model, and a provider that is disabled comes back.
"""

import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from addons.app.unfit_patterns import unfit_patterns
from addons.config.configuration import Config
from addons.config.providers import make_providers
from addons.config.schema import FallbackModel
from addons.config.secret_looks import looks_secret
from addons.config.yaml_reading import KeyPath
from addons.routing.model_index import ModelIndex
from addons.routing.models import Models
from providers.contract.provider import AnyProvider
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.registry import provider_class

log = logging.getLogger("glassgate")

TOLD_LIMIT: Final = 10
"""Looking for near names takes its time, and all else waits for it."""
_SHOWN: Final = 100
ALL_OFF: Final = "every provider is disabled (enabled: false), so no model is served; enable one: enabled: true"


@dataclass(frozen=True, slots=True)
class Unserved:
    """A name that nobody serves, or nobody is led to. `certain`: no live list can change it."""

    words: str
    certain: bool


@dataclass(frozen=True, slots=True)
class _Use:
    """A name where config.yaml uses it. `by_alias`: an alias does as well as a model there."""

    path: KeyPath
    name: str
    by_alias: bool = True


def unserved(config: Config, index: ModelIndex, providers: Mapping[str, AnyProvider]) -> list[Unserved]:
    """The names of `config` that are not in `index`, in order of the file's sections; a sentence each."""
    if not config.providers:
        return [Unserved(config.message_at(("providers",), ALL_OFF), True)]
    off = _models_of_disabled(config)
    live = {name for name, provider in providers.items() if asks_its_site(provider)}
    aliases = {name.casefold(): target for name, target in index.aliases().items()}
    found = (use for use in _uses(config) if not _is_served(use, index, aliases))
    told = [_told(config, use, off, live, index, aliases) for use in islice(found, TOLD_LIMIT)]
    return [*told, *islice(_hidden(config, index), TOLD_LIMIT), *islice(_of_keys(config, index, providers), TOLD_LIMIT)]


def _of_keys(config: Config, index: ModelIndex, providers: Mapping[str, AnyProvider]) -> Iterator[Unserved]:
    """Patterns in the limits of configured client keys that fit no model. A key is good for what the others fit."""
    first = {pattern: key for key in reversed(config.keys) for pattern in key.limits.models or ()}
    for pattern, words in unfit_patterns(first, index):
        named = "…" if looks_secret(pattern) else repr(pattern[:_SHOWN])
        key = first[pattern]
        where = f"the models of client key {key.name} ({key.source})"
        yield Unserved(config.message_at(("auth",), f"{where}: {named} {words}{may_be_brought(providers)}"), False)


def may_be_brought(providers: Mapping[str, AnyProvider]) -> str:
    """What is to be said behind a pattern that fits nothing so far; nothing where no list is still to come."""
    live = sorted(name for name, provider in providers.items() if asks_its_site(provider))
    return f"; the live list of {' or '.join(live)} may bring one" if live else ""


def _hidden(config: Config, index: ModelIndex) -> Iterator[Unserved]:
    """Aliases that never take effect: a model goes before an alias of its name."""
    own = {model.id.casefold() for model in index.models()}
    for alias in config.sections.models.aliases:
        if alias.strip().casefold() in own:
            words = "a model has this name, and goes before the alias; give the alias another one"
            yield Unserved(config.message_at(("models", "aliases", alias), words), False)


def unserved_of(config: Config) -> list[Unserved]:
    """The same by what the providers know without asking their sites."""
    providers = make_providers(config)
    return unserved(config, Models(providers, config.sections.models.aliases)(), providers)


class UnservedReport:
    """Writes into the log what is new of this: at once what is certain, the rest when the sites were asked."""

    def __init__(self) -> None:
        self._told: frozenset[Unserved] = frozenset()

    def write(self, config: Config, index: ModelIndex, providers: Mapping[str, AnyProvider], *, asked: bool) -> None:
        found = [one for one in unserved(config, index, providers) if asked or one.certain]
        for one in found:
            if one not in self._told:
                log.log(logging.ERROR if one.certain else logging.WARNING, "%s", one.words)
        self._told = frozenset(found)


def _uses(config: Config) -> Iterator[_Use]:
    routing = config.sections.routing
    for alias, target in config.sections.models.aliases.items():
        yield _Use(("models", "aliases", alias), target, by_alias=False)
    for model, chain in routing.fallbacks.items():
        yield _Use(("routing", "fallbacks", model), model)
        for number, entry in enumerate(chain):
            name = entry.model if isinstance(entry, FallbackModel) else entry
            yield _Use(("routing", "fallbacks", model, number), name)
    for model in routing.strategies:
        yield _Use(("routing", "strategies", model), model)


def _is_served(use: _Use, index: ModelIndex, aliases: Mapping[str, str]) -> bool:
    if not use.by_alias:
        return index.serves(use.name)
    return use.name.strip().casefold() in aliases or bool(index.find(use.name))  # (the alias is told itself)


def _told(
    config: Config,
    use: _Use,
    off: Mapping[str, str],
    live: set[str],
    index: ModelIndex,
    aliases: Mapping[str, str],
) -> Unserved:
    name = "…" if looks_secret(use.name) else repr(use.name[:_SHOWN])
    small = use.name.strip().casefold()
    if (provider := off.get(small) or _named_off(config, small)) is not None:
        words = f"{name} is of provider {provider!r}, which is disabled (enabled: false)"
        return Unserved(config.message_at(use.path, words), False)
    if small in aliases:
        return Unserved(config.message_at(use.path, f"{name} is an alias that leads to no model"), True)
    whose = small.partition("/")[0]
    may_come = {provider for provider in live if whose == provider.casefold()} if whose in _names(config) else live
    near = index.near(use.name, 1)
    words = f"no provider serves a model {name}" + (f"; did you mean {near[0]!r}?" if near else "")
    if may_come:
        words += f" (the live list of {' or '.join(sorted(may_come))} may bring it; until then the answer is 404)"
    return Unserved(config.message_at(use.path, words), not may_come)


def _names(config: Config) -> set[str]:
    return {settings.name.casefold() for settings in config.providers}


def _named_off(config: Config, name: str) -> str | None:
    whose, slash, _ = name.partition("/")
    return next((s.name for s in config.disabled if slash and s.name.casefold() == whose), None)


def _models_of_disabled(config: Config) -> dict[str, str]:
    """Model in small letters → a provider that is disabled and would serve it."""
    found: dict[str, str] = {}
    for settings in config.disabled:
        provider = provider_class(settings.common.type)(settings.name, settings.options)
        for model in provider.models().values():
            found.setdefault(model.id.casefold(), settings.name)
    return found


def asks_its_site(provider: AnyProvider) -> bool:
    """Whether the provider has a live list."""
    moment = Moment(time.time_ns() // 1_000_000, lambda: str(uuid.uuid4()))
    steps = provider.list_models(Session(provider.name, "", ()), moment)
    if steps is None:
        return False
    steps.close()
    return True
