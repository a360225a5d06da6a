"""The models that are served now: an index over the providers' tables, made anew when one of them has changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from addons.cleaning.cleaner import NOTHING_KNOWN, Cleaner
from addons.routing.model_index import ModelIndex
from providers.contract.chat import MediaKind
from providers.contract.provider import Model, Provider, ProviderOptions, Taken
from providers.contract.uploads import Uploads

_CALLED: Final[Mapping[MediaKind, Taken]] = {"document": "file", "audio": "audio", "video": "video"}


class Models:
    """Calling it gives the index; `forget` has it made anew, after a provider has learnt of other models."""

    def __init__(
        self,
        providers: Mapping[str, Provider[ProviderOptions]],
        aliases: Mapping[str, str],
        cleaner: Cleaner = NOTHING_KNOWN,
        before: "Models | None" = None,
        disabled: Mapping[str, Provider[ProviderOptions]] | None = None,
    ) -> None:
        """`disabled` are those that serve nothing."""
        self._providers = providers
        self._cleaner = cleaner
        self._own: dict[str, frozenset[str]] = {}
        """The names each provider has by itself; what it learns of its site may be anything."""
        for name, provider in providers.items():
            same = before is not None and before._providers.get(name) is provider
            self._own[name] = before._own[name] if before is not None and same else frozenset(provider.models())
        self._aliases = aliases
        self._disabled = [(name, provider.models()) for name, provider in (disabled or {}).items()]
        self._index: ModelIndex | None = None

    def __call__(self) -> ModelIndex:
        if self._index is None:
            tables = [(name, self._clean(name, provider.models())) for name, provider in self._providers.items()]
            self._index = ModelIndex(tables, self._aliases, self._disabled)
        return self._index

    def _clean(self, provider: str, models: Mapping[str, Model]) -> Mapping[str, Model]:
        """Without those that a site lists under a secret's name; with the kinds of files that each can be given."""
        own, uploads = self._own[provider], self._providers[provider].uploads
        clean = {name: model for name, model in models.items() if name in own or not self._holds_secret(model)}
        if uploads is None:
            return clean
        return {name: replace(model, takes=_taken(uploads, model)) for name, model in clean.items()}

    def _holds_secret(self, model: Model) -> bool:
        said = f"{model.id} {model.site_id} {model.owned_by}"
        return self._cleaner.text(said) != said

    def forget(self) -> None:
        self._index = None


def _taken(uploads: Uploads, model: Model) -> tuple[Taken, ...]:
    accepted = uploads.accepted(model.id)
    return tuple(_CALLED[kind] for kind in _CALLED if kind in accepted)
