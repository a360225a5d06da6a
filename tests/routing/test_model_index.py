"""From a name to who serves it: ids, aliases, patterns, `provider/model`; and what is listed."""

from typing import Any

import pytest

from addons.dialects.openai.models import model_list, model_object
from addons.ingress.endpoints import Inside
from addons.kept.items import KeptStore
from addons.routing.model_index import ModelIndex
from providers.contract.provider import Model

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


CHAINS = {
    "a": "b",
    "b": "c",
    "c": "zai/GLM-4.6",
    "round": "and-round",
    "and-round": "ROUND",
    "self": "self",
    "claude-*": "a",
    "claude-loop-*": "claude-loop-again",
    "*": "fast",
    "fast": "GLM-4.6-Thinking",
    "zai/mine": "openai/gpt",
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a", ["zai:GLM-4.6"]),
        ("claude-opus", ["zai:GLM-4.6"]),
        ("round", []),
        ("self", []),
        ("claude-loop-9", []),
        ("anything", ["zai:GLM-4.6-Thinking"]),
        ("Router/GLM-4.6", ["Router:GLM-4.6"]),
        ("zai/openai/gpt", ["zai:GLM-4.6-Thinking"]),
        ("zai/mine", ["Router:openai/gpt"]),
        ("openai/gpt", ["Router:openai/gpt"]),
    ],
)
def test_aliases_of_aliases_end_and_a_pattern_for_all_hides_no_model(name: str, found: list[str]) -> None:
    index = ModelIndex(TABLES, CHAINS)
    assert [f"{route.provider}:{route.model.id}" for route in index.find(name)] == found


def test_a_circle_of_patterns_ends() -> None:
    index = ModelIndex(TABLES, {"*": "*x", "*x": "y*", "y*": "*"})
    assert index.find("anything") == ()


def test_a_name_with_a_slash_may_be_a_model_though_it_begins_like_a_provider() -> None:
    """`openai/gpt` is a model of the router; the provider `openai` has a `gpt` too, which is named in full."""
    tables = [
        ("openai", {"gpt": Model("gpt", "gpt")}),
        ("router", {"openai/gpt": Model("openai/gpt", "openai/gpt"), "openai/other": Model("openai/other", "o")}),
    ]
    index = ModelIndex(tables, {})
    found = {name: [route.provider for route in index.find(name)] for name in ("openai/gpt", "gpt", "openai/other")}
    assert found == {"openai/gpt": ["router"], "gpt": ["openai"], "openai/other": ["router"]}
    assert [route.provider for route in index.find("router/openai/gpt")] == ["router"]


def test_of_two_patterns_as_long_the_first_is_taken() -> None:
    index = ModelIndex(TABLES, {"gpt-*": "GLM-4.6", "*-mini": "openai/gpt", "gpt-*mini": "GLM-4.6-Thinking"})
    assert [index.find(name)[0].model.id for name in ("gpt-x", "x-mini", "gpt-5-mini")] == [
        "GLM-4.6",
        "openai/gpt",
        "GLM-4.6-Thinking",
    ]
    assert ModelIndex(TABLES, {"abc*": "GLM-4.6", "*xyz": "openai/gpt"}).find("abcxyz")[0].model.id == "GLM-4.6"


def inside(index: ModelIndex, *, variants: bool = False) -> Inside:
    kept = KeptStore().of(b"")
    return Inside(
        index, lambda provider: provider == "zai", lambda: (), lambda: (), variants, False, lambda: True, 7, kept
    )


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
    of_a_site: Any = model_object(Model("m", "m", search=False, tools="emulated"), 7)["supported_parameters"]
    assert {"tools", "parallel_tool_calls", "structured_outputs", "stop"} <= set(of_a_site)
    assert "web_search_options" not in of_a_site
    assert "web_search_options" in str(model_object(Model("m", "m", tools="emulated"), 7))
    unsaid = model_object(Model("m", "m", vision=None, tools="unknown"), 7)
    assert not {"architecture", "supported_parameters", "context_length"} & set(unsaid), "nothing is made up"


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
    assert index.unknown(name).endswith("GET /v1/models lists what is."), "wherever it is asked for, also by its id"
    assert "m-off" not in [model.id for model in index.models()]
