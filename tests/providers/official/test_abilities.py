"""What vendors' own lists say of a model, each in names of its own; what they do not say is unknown, never "no"."""

from collections.abc import Mapping
from typing import Any

import pytest

from providers.official.abilities import context_length, takes, tools, vision

type Entry = Mapping[str, Any]


@pytest.mark.parametrize(
    ("entry", "length"),
    [
        ({"context_length": 8192}, 8192),
        ({"max_model_len": 4096}, 4096),
        ({"meta": {"n_ctx_train": 2048}}, 2048),
        ({"limits": {"max_input_tokens": 1024}}, 1024),
        ({"context_length": 0, "context_window": 512}, 512),
        ({"context_length": "many", "meta": [], "limits": None}, None),
        ({"context_length": True}, None),
        ({}, None),
    ],
)
def test_a_context_length(entry: Entry, length: int | None) -> None:
    assert context_length(entry) == length


@pytest.mark.parametrize(
    ("entry", "sees", "taken"),
    [
        ({"architecture": {"input_modalities": ["text", "image", "audio"]}}, True, ("audio",)),
        ({"input_modalities": ["text"]}, False, ()),
        ({"input_modalities": ["text"], "vision": True}, False, ()),
        ({"supports_vision": True}, True, ()),
        ({"capabilities": {"vision": False}}, False, ()),
        ({"input_modalities": "image", "vision": "yes"}, None, ()),
        ({"input_modalities": ["text"] * 200 + ["image"]}, False, ()),
        ({}, None, ()),
    ],
)
def test_what_a_model_is_shown(entry: Entry, sees: bool | None, taken: tuple[str, ...]) -> None:
    assert (vision(entry), takes(entry)) == (sees, taken)


@pytest.mark.parametrize(
    ("entry", "calls"),
    [
        ({"supports_tools": True}, True),
        ({"capabilities": {"function_calling": False}}, False),
        ({"supported_parameters": ["temperature", "tools"]}, True),
        ({"features": ["tool-calls"]}, True),
        ({"supported_parameters": ["temperature"]}, False),
        ({"supported_parameters": [], "features": [1, None]}, False),
        ({"supports_tools": "yes", "capabilities": "tools"}, None),
        ({}, None),
    ],
)
def test_whether_a_model_calls_tools(entry: Entry, calls: bool | None) -> None:
    assert tools(entry) is calls
