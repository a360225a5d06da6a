"""From a name to who serves it: ids, aliases, patterns, `provider/model`; and what is listed."""

import pytest

from addons.core.routing import ModelIndex
from addons.local import Inside, model_list
from providers.contract import Model

THINKING = "GLM-4.6-Thinking"
TABLES = [
    ("zai", {"GLM-4.6": Model("GLM-4.6", "g", context_length=200_000), THINKING: Model(THINKING, "g", variant=True)}),
    ("Router", {"openai/gpt": Model("openai/gpt", "o", vision=True, tools="native"), "GLM-4.6": Model("GLM-4.6", "z")}),
]  # fmt: skip
ALIASES = {
    "fast": "GLM-4.6",
    "Claude-*": "GLM-4.6",
    "claude-haiku-*": "openai/gpt",
    "claude-haiku-1": "GLM-4.6-Thinking",
    "*-mini*x": "openai/gpt",
    "mine": "router/GLM-4.6",
    "GLM-4.6": "openai/gpt",
    "lost": "nowhere",
    "glm-*": "lost",
}


@pytest.fixture
def index() -> ModelIndex:
    return ModelIndex(TABLES, ALIASES)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("GLM-4.6", ["zai:GLM-4.6", "Router:GLM-4.6"]),
        (" glm-4.6 ", ["zai:GLM-4.6", "Router:GLM-4.6"]),
        ("fast", ["zai:GLM-4.6", "Router:GLM-4.6"]),
        ("FAST", ["zai:GLM-4.6", "Router:GLM-4.6"]),
        ("zai/GLM-4.6", ["zai:GLM-4.6"]),
        ("router/glm-4.6", ["Router:GLM-4.6"]),
        ("Router/openai/gpt", ["Router:openai/gpt"]),
        ("openai/gpt", ["Router:openai/gpt"]),
        ("mine", ["Router:GLM-4.6"]),
        ("claude-opus-9", ["zai:GLM-4.6", "Router:GLM-4.6"]),
        ("CLAUDE-HAIKU-9", ["Router:openai/gpt"]),
        ("claude-haiku-1", ["zai:GLM-4.6-Thinking"]),
        ("gpt-5-mini-2x", ["Router:openai/gpt"]),
        ("-minix", ["Router:openai/gpt"]),
        ("-mini", []),
        ("claude", []),
        ("lost", []),
        ("glm-99", []),
        ("zai/openai/gpt", []),
        ("nobody/GLM-4.6", []),
        ("zai/", []),
        ("/GLM-4.6", []),
        ("", []),
        ("*", []),
    ],
)
def test_a_name_finds_its_routes(index: ModelIndex, name: str, found: list[str]) -> None:
    assert [f"{route.provider}:{route.model.id}" for route in index.find(name)] == found


def test_patterns_are_no_names(index: ModelIndex) -> None:
    assert "Claude-*" not in index.aliases()
    assert index.near("clade-haiku-1") == ["claude-haiku-1"]
    assert index.near("fsat")[0] == "fast"


def inside(index: ModelIndex, *, variants: bool = False) -> Inside:
    return Inside(index, lambda provider: provider == "zai", lambda: (), lambda: (), variants, False, 7)


def test_aliases_are_listed_and_variants_when_wanted(index: ModelIndex) -> None:
    def ids(*, variants: bool = False, everything: bool = False) -> list[object]:
        return [entry["id"] for entry in model_list(inside(index, variants=variants), everything=everything)]

    assert ids() == ["GLM-4.6", "fast", "claude-haiku-1"]
    assert ids(variants=True) == ["GLM-4.6", "GLM-4.6-Thinking", "fast", "claude-haiku-1"]
    assert ids(everything=True) == ["GLM-4.6", "GLM-4.6-Thinking", "openai/gpt", "fast", "claude-haiku-1", "mine"]


def test_an_entry_says_what_is_known(index: ModelIndex) -> None:
    entries = {entry["id"]: entry for entry in model_list(inside(index), everything=True)}
    assert entries["GLM-4.6"]["context_length"] == 200_000
    assert entries["fast"]["context_length"] == 200_000
    assert "context_length" not in entries["openai/gpt"]
    assert entries["openai/gpt"]["architecture"] == {
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
    }
    assert entries["openai/gpt"]["supported_parameters"] == ["tools", "tool_choice"]
    assert entries["GLM-4.6"]["supported_parameters"] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m-off", "one of provider 'beta', which is disabled (enabled: false in config.yaml)."),
        (" M-OFF ", "one of provider 'beta', which is disabled"),
        ("beta/anything", "one of provider 'beta', which is disabled"),
        ("off-alias", "one of provider 'beta', which is disabled"),
        ("lost", "stands for 'nowhere' in models.aliases, which nobody serves."),
        ("GLM-4.7", "is not served here. Near names: GLM-4.6"),
        ("beta", "the model 'beta' is not served here."),
    ],
)
def test_an_unknown_model_is_told_with_its_reason(name: str, said: str) -> None:
    off = [("beta", {"m-off": Model("m-off", "o")})]
    index = ModelIndex(TABLES, {"lost": "nowhere", "off-alias": "m-off"}, off)
    assert not index.find(name)
    assert said in index.unknown(name)
    assert "m-off" not in [model.id for model in index.models()]
