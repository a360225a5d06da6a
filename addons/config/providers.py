"""The providers that a configuration asks for."""

from collections.abc import Mapping

from addons.config.configuration import Config
from providers.contract.provider import Provider, ProviderOptions
from providers.registry import provider_class

type Providers = Mapping[str, Provider[ProviderOptions]]
"""By their names in config.yaml, in order of the file."""


def make_providers(config: Config, before: Providers | None = None) -> dict[str, Provider[ProviderOptions]]:
    """The configured providers; of `before` those stay whose settings did not change: they know their sites already."""
    made = {}
    for settings in config.providers:
        old = before.get(settings.name) if before else None
        cls = provider_class(settings.common.type)
        same = old is not None and type(old) is cls and old.options == settings.options
        made[settings.name] = old if old is not None and same else cls(settings.name, settings.options)
    return made


def disabled_providers(config: Config) -> dict[str, Provider[ProviderOptions]]:
    """The providers that serve nothing (`enabled: false`): what they would serve is told by name."""
    return {s.name: provider_class(s.common.type)(s.name, s.options) for s in config.disabled}
