"""By whom a request is served, for tests of features that need no gateway."""

from addons.features.feature import Served
from addons.features.settings import DEFAULTS, FeatureSettings
from providers.contract.provider import AnyProvider, Model
from providers.contract.steps import Moment


def at(
    model: Model,
    native: frozenset[str] | None,
    *,
    settings: FeatureSettings = DEFAULTS,
    provider: AnyProvider | None = None,
) -> Served:
    """A model of a provider that carries these fields itself (None: all), at a moment that is always the same."""
    ids = iter(range(10**6))
    return Served(model, native, Moment(0, lambda: f"{next(ids):08d}-0000-4000-8000-000000000000"), provider, settings)
