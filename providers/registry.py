"""The registry of provider types, by the name config.yaml uses. Loaded when first asked for."""

import importlib
from functools import cache

from providers.contract.provider import Provider, ProviderOptions

_TYPES = {
    "zai": "providers.zai.provider:Zai",
    "k2think": "providers.k2think.provider:K2Think",
    "qwen": "providers.qwen.provider:Qwen",
    "longcat": "providers.longcat.provider:LongCat",
    "openai_compatible": "providers.openai.provider:OpenAICompatible",
}


def type_names() -> list[str]:
    return list(_TYPES)


@cache
def preset_names() -> frozenset[str]:
    """The names of known official APIs."""
    return frozenset(importlib.import_module("providers.openai.presets").PRESETS)


@cache
def provider_class(type_name: str) -> type[Provider[ProviderOptions]]:
    """The class of a provider type. Raises KeyError for an unknown name."""
    module, _, name = _TYPES[type_name].partition(":")
    found: type[Provider[ProviderOptions]] = getattr(importlib.import_module(module), name)
    return found
