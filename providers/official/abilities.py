"""A model's abilities as an API's own list states them: context length, files, tools. None: it does not say.

Each vendor has names of its own for the same facts; an entry that says nothing of one leaves it unknown, never "no".
Sources: the vendors' references for GET /models (OpenRouter, vLLM, llama.cpp, Groq, Mistral, Together, Fireworks,
Moonshot, Novita, GitHub Models, LM Studio).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.contract.provider import TAKEN, Taken
from providers.formats.jsontext import mapping, whole

_LENGTHS: Final = ("context_length", "context_window", "max_context_length", "max_model_len", "context_size")
_MODALITIES: Final = ("input_modalities", "supported_input_modalities")
_SEES: Final = ("supports_image_input", "supports_image_in", "supports_vision", "vision")
_CALLS: Final = ("supports_tools", "supports_function_calling", "function_calling", "tool_use", "tool_calling", "tools")
_LISTS: Final = ("supported_parameters", "capabilities", "features", "supported_features")
_LISTED_LIMIT: Final = 200
"""Entries of such a list that are looked at."""


def context_length(entry: Mapping[str, Any]) -> int | None:
    """The context length in tokens."""
    found = [entry.get(name) for name in _LENGTHS]
    found.append(mapping(entry.get("meta")).get("n_ctx_train"))
    found.append(mapping(entry.get("limits")).get("max_input_tokens"))
    return next((length for value in found if (length := whole(value)) is not None and length > 0), None)


def vision(entry: Mapping[str, Any]) -> bool | None:
    """Whether the model takes pictures."""
    told = _modalities(entry)
    return "image" in told if told is not None else _flag(entry, _SEES)


def takes(entry: Mapping[str, Any]) -> tuple[Taken, ...]:
    """What else the model is shown: documents, sounds, videos."""
    told = _modalities(entry) or ()
    return tuple(kind for kind in TAKEN if kind in told)


def _modalities(entry: Mapping[str, Any]) -> Sequence[Any] | None:
    for place in (mapping(entry.get("architecture")), entry):
        for name in _MODALITIES:
            if isinstance(told := place.get(name), list):
                return told[:_LISTED_LIMIT]
    return None


def tools(entry: Mapping[str, Any]) -> bool | None:
    """Whether the model calls tools."""
    if (flag := _flag(entry, _CALLS)) is not None:
        return flag
    for name in _LISTS:
        if isinstance(told := entry.get(name), list) and told:
            names = {word.replace("-", "_") for word in told[:_LISTED_LIMIT] if isinstance(word, str)}
            return not names.isdisjoint((*_CALLS, "tool_calls"))
    return None


def _flag(entry: Mapping[str, Any], names: tuple[str, ...]) -> bool | None:
    for place in (entry, mapping(entry.get("capabilities"))):
        for name in names:
            if isinstance(told := place.get(name), bool):
                return told
    return None
