"""The list of models as Codex reads it."""

from dataclasses import replace

from addons.dialects.openai.codex_models import codex_models
from providers.contract.provider import Model
from tests.support.served import Served
from tests.support.sites import Sites

MODEL = Model("m", "m-1", thinking=None, vision=True, tools="native", context_length=9, owned_by="o")
NEEDED = {
    "slug", "display_name", "description", "supported_reasoning_levels", "shell_type", "visibility", "supported_in_api",
    "priority", "base_instructions", "supports_reasoning_summaries", "support_verbosity", "default_verbosity",
    "apply_patch_tool_type", "truncation_policy", "supports_parallel_tool_calls", "context_window",
    "experimental_supported_tools", "input_modalities", "use_responses_lite",
}  # fmt: skip


def test_every_field_that_codex_needs_is_there() -> None:
    (found,) = codex_models({"alias": MODEL})
    assert found.keys() >= NEEDED
    assert (found["slug"], found["context_window"], found["input_modalities"]) == ("alias", 9, ["text", "image"])
    assert (found["apply_patch_tool_type"], found["use_responses_lite"]) == (None, False)
    assert found["base_instructions"]
    assert [level["effort"] for level in found["supported_reasoning_levels"]] == ["low", "medium", "high"]


def test_a_model_that_cannot_think_or_see() -> None:
    plain = replace(MODEL, thinking=False, vision=None, tools="none", context_length=None)
    first, second = codex_models({"a": plain, "b": plain})
    assert (first["supported_reasoning_levels"], first["input_modalities"]) == ([], ["text"])
    assert (first["supports_parallel_tool_calls"], first["context_window"]) == (False, 128_000)
    assert first["priority"] < second["priority"]


def test_one_list_has_both_forms(sites: Sites, gateway: Served) -> None:
    told = gateway.get("/v1/models?client_version=0.169.0").json()
    assert [one["slug"] for one in told["models"]] == [one["id"] for one in told["data"]]
    assert told["models"]
    assert "models" not in gateway.get("/v1/models").json()
