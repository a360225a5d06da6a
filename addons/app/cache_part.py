"""The cache of whole answers, as config.yaml turns it on and off."""

from collections.abc import Sequence
from typing import Final

from addons.app.jobs import Job
from addons.app.optional_part import OptionalPart
from addons.app.runtime import Running
from addons.cache.cache import AnswerCache, CacheRules
from addons.config.configuration import Config

_TRIM_S: Final = 60.0
"""An answer is in memory for so much longer than it is given, at most."""
_MEGABYTE: Final = 1024 * 1024


class CachePart(OptionalPart):
    """Keeps the cache to its section of config.yaml."""

    def __init__(self) -> None:
        self._cache: AnswerCache | None = None

    def take_up(self, parts: Running) -> None:
        self._cache = parts.context.cache
        self._cache.bound(cache_rules(parts.config), answers_depend_on(parts.config))

    def jobs(self) -> Sequence[Job]:
        return (Job("old answers", _TRIM_S, self._trim),)

    async def _trim(self) -> None:
        if self._cache is not None:
            self._cache.trim()


def cache_rules(config: Config) -> CacheRules | None:
    """What the section `cache` says; None where there is none."""
    found = config.sections.cache
    if found is None:
        return None
    return CacheRules(found.ttl_s, int(found.max_mb * _MEGABYTE), found.models, found.share == "all", found.always)


def answers_depend_on(config: Config) -> object:
    """All of the configuration that an answer may be another one by; two of them are compared."""
    sections = config.sections
    return config.providers, sections.features, sections.models
