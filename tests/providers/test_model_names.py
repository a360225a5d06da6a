"""What a site's live list calls its models: only what a name can be becomes one."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.anthropic import models as anthropic_models
from providers.anthropic.presets import PRESETS as ANTHROPICS
from providers.k2think import models as k2think_models
from providers.openai import models as openai_models
from providers.openai.presets import PRESETS
from providers.qwen import models as qwen_models
from providers.zai import models as zai_models

PRESET = next(iter(PRESETS.values()))
ANTHROPIC = next(iter(ANTHROPICS.values()))
GOOD = ["glm-5", "vendor/model:free", "Qwen3 Max", "模型", "x" * 256]
BAD = [
    "a\x1b]0;T\x07",
    "a\r\nb",
    "a\x00",
    "a\x7f",
    "a\x9b2J",
    "a\u202eb",
    "a\ufeff",
    "\ud800",
    "x" * 257,
    " ",
    "",
    5,
    None,
    ["a"],
]


def openai(items: list[Any]) -> list[str]:
    return [model.id for model in openai_models.read_list({"data": items}, PRESET) or []]


def of(read_live: Callable[[Any], Any]) -> Callable[[list[Any]], list[str]]:
    return lambda items: [model.id for model in read_live({"data": items})]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(openai, id="openai"),
        pytest.param(of(zai_models.read_live), id="zai"),
        pytest.param(of(k2think_models.read_live), id="k2think"),
        pytest.param(of(qwen_models.read_live), id="qwen"),
    ],
)
def test_only_what_a_name_can_be_becomes_one(names: Callable[[list[Any]], list[str]]) -> None:
    assert names([{"id": name} for name in [*BAD, *GOOD]]) == GOOD


def test_a_bad_second_name_is_left_out() -> None:
    items = [{"id": "good", "name": bad} for bad in BAD]
    assert {model.name for model in zai_models.read_live({"data": items}) or []} == {"good"}
    assert {model.name for model in k2think_models.read_live({"data": items}) or []} == {"good"}
    assert {model.name for model in qwen_models.read_live({"data": items}) or []} == {""}
    assert {model.owned_by for model in openai_models.read_list([{"id": "m", "owned_by": "a\x1b"}], PRESET) or []} == {
        PRESET.owned_by
    }


FACTS: dict[str, tuple[dict[str, Any], tuple[int | None, bool | None, str]]] = {
    "nothing": ({}, (None, None, "unknown")),
    "openrouter": (
        {
            "context_length": 200000,
            "architecture": {"input_modalities": ["text", "image", "file"]},
            "supported_parameters": ["max_tokens", "tools", "tool_choice"],
        },
        (200000, True, "native"),
    ),
    "openrouter, plain": (
        {"architecture": {"input_modalities": ["text"]}, "supported_parameters": ["max_tokens"]},
        (None, False, "none"),
    ),
    "vllm": ({"max_model_len": 32768}, (32768, None, "unknown")),
    "llama.cpp": ({"meta": {"n_ctx_train": 131072}}, (131072, None, "unknown")),
    "groq": ({"context_window": 131072, "max_completion_tokens": 8192}, (131072, None, "unknown")),
    "mistral": (
        {"max_context_length": 131072, "capabilities": {"vision": True, "function_calling": False}},
        (131072, True, "none"),
    ),
    "fireworks": (
        {"context_length": 4096, "supports_image_input": False, "supports_tools": True},
        (4096, False, "native"),
    ),
    "moonshot": ({"context_length": 262144, "supports_image_in": True}, (262144, True, "unknown")),
    "novita": (
        {"context_size": 8192, "features": ["function-calling"], "input_modalities": ["text"]},
        (8192, False, "native"),
    ),
    "github": (
        {
            "limits": {"max_input_tokens": 128000},
            "supported_input_modalities": ["text", "image"],
            "capabilities": ["streaming", "tool-calling"],
        },
        (128000, True, "native"),
    ),
    "lm studio": ({"max_context_length": 4096, "capabilities": ["tool_use"]}, (4096, None, "native")),
    "nonsense": (
        {
            "context_length": "long",
            "context_window": -1,
            "max_model_len": True,
            "architecture": [],
            "input_modalities": "image",
            "capabilities": 7,
            "features": [{}, None],
            "supports_tools": "yes",
        },
        (None, None, "none"),
    ),
}


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({}, ()),
        ({"architecture": {"input_modalities": ["video", "image", "file", "text", "smell"]}}, ("file", "video")),
        ({"input_modalities": ["audio", {}, None]}, ("audio",)),
        ({"input_modalities": "audio"}, ()),
    ],
)
def test_a_list_says_which_other_files_a_model_takes(said: dict[str, Any], taken: tuple[str, ...]) -> None:
    entries = [{"id": "m", **said}]
    for found in (openai_models.read_list(entries, PRESET), anthropic_models.read_list(entries, ANTHROPIC)):
        assert [model.takes for model in found or []] == [taken]


def test_anthropics_own_list_says_where_documents_are_taken() -> None:
    said = {"id": "m", "capabilities": {"pdf_input": {"supported": True}, "image_input": {"supported": True}}}
    assert [model.takes for model in anthropic_models.read_list([said], ANTHROPIC) or []] == [("file",)]


@pytest.mark.parametrize(("said", "known"), FACTS.values(), ids=FACTS)
def test_a_list_says_what_a_model_can_do_in_each_vendors_names(
    said: dict[str, Any], known: tuple[int | None, bool | None, str]
) -> None:
    """What the list does not say is unknown, not absent."""
    (model,) = openai_models.read_list({"data": [{"id": "m", **said}]}, PRESET) or []
    assert (model.context_length, model.vision, model.tools) == known
