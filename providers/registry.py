"""The registry of provider types, by the name config.yaml uses. Loaded when first asked for."""

import importlib
from collections.abc import Mapping
from functools import cache

from providers.contract.provider import Provider, ProviderOptions

_TYPES = {
    "zai": "providers.zai.provider:Zai",
    "k2think": "providers.k2think.provider:K2Think",
    "qwen": "providers.qwen.provider:Qwen",
    "longcat": "providers.longcat.provider:LongCat",
    "openai_compatible": "providers.openai.provider:OpenAICompatible",
    "anthropic": "providers.anthropic.provider:Anthropic",
}


def type_names() -> list[str]:
    return list(_TYPES)


_PRESETS = {"openai_compatible": "providers.openai.presets", "anthropic": "providers.anthropic.presets"}


@cache
def preset_types() -> Mapping[str, str]:
    """The names of known official APIs, and the type that each is a preset of; where two have it, the first."""
    found: dict[str, str] = {}
    for type_name, module in _PRESETS.items():
        for name in importlib.import_module(module).PRESETS:
            found.setdefault(name, type_name)
    return found


@cache
def provider_class(type_name: str) -> type[Provider[ProviderOptions]]:
    """The class of a provider type. Raises KeyError for an unknown name."""
    module, _, name = _TYPES[type_name].partition(":")
    found: type[Provider[ProviderOptions]] = getattr(importlib.import_module(module), name)
    return found
