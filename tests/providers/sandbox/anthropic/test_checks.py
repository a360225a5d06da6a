"""What the Messages stand-in refuses of fields, sizes, sampling, tools and thinking."""

from typing import Any

import pytest

from providers.sandbox.anthropic.blocks import Refused
from providers.sandbox.anthropic.checks import check, check_head
from providers.sandbox.anthropic.models import MODELS
from tests.providers.sandbox.anthropic.asking import BASE, USER, WEATHER

ON = {"type": "enabled", "budget_tokens": 1024}


def refusal(body: dict[str, Any], version: str = "2023-06-01", *betas: str, counting: bool = False) -> str:
    try:
        check(body, MODELS[body["model"]], version, list(betas), counting=counting)
    except Refused as e:
        return str(e)
    return ""


WRONG: list[Any] = [
    ({"n": 1}, "n: Extra inputs are not permitted"),
    ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
    ({"messages": None}, "messages: Field required"),
    ({"messages": "Hi"}, "messages: Input should be a valid list"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": ["Hi"]}, "messages.0: Input should be an object"),
    ({"messages": [{**USER, "name": "x"}]}, "messages.0.name: Extra inputs are not permitted"),
    ({"messages": [{**USER, "role": "tool"}]}, "messages.0.role: Input should be 'user', 'assistant' or 'system'"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [{"role": "user", "content": []}]}, "messages.0: all messages must have non-empty content"),
    ({"system": [{"type": "image", "source": {}}]}, "system.0: `image` blocks are not permitted in system messages"),
    ({"max_tokens": None}, "max_tokens: Field required"),
    ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
    ({"max_tokens": 64_001}, "max_tokens: 64001 > 64000, which is the maximum allowed"),
    ({"stop_sequences": ["\n"]}, "stop_sequences: each stop sequence must contain non-whitespace"),
    ({"temperature": 1.5}, "temperature: range: 0..1"),
    ({"temperature": 1, "top_p": 0.5}, "`temperature` and `top_p` cannot both be specified"),
    ({"temperature": 0.5, "thinking": ON, "max_tokens": 2000}, "`temperature` may only be set to 1 when thinking"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
    ({"tools": [{**WEATHER, "name": "a b"}]}, "tools.0.custom.name: String should match pattern"),
    ({"tools": [{**WEATHER, "parameters": {}}]}, "tools.0.custom.parameters: Extra inputs are not permitted"),
    ({"tools": [{"name": "x"}]}, "tools.0.custom.input_schema: Field required"),
    ({"tools": [{"name": "x", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Input should be 'object'"),
    ({"tools": [{"type": "function", "name": "x"}]}, "tools.0: Input tag 'function' found using 'type'"),
    ({"tools": [WEATHER, WEATHER]}, "tools: Tool names must be unique."),
    ({"tool_choice": {"type": "auto"}}, "tool_choice may only be specified while providing tools."),
    ({"tools": [WEATHER], "tool_choice": "auto"}, "tool_choice: Input tag found"),
    ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "x"}}, "Tool 'x' not found in provided tools"),
    (
        {"tools": [WEATHER], "tool_choice": {"type": "any"}, "thinking": {"type": "adaptive"}},
        "Thinking may not be enabled",
    ),
    ({"output_config": {"x": 1}}, "output_config.x: Extra inputs are not permitted"),
    ({"output_config": {"effort": "none"}}, "output_config.effort: Input should be 'low'"),
    ({"thinking": {"type": "on"}}, "thinking: Input tag found using 'type'"),
    ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
    ({"thinking": {**ON, "budget_tokens": 10}}, "thinking.enabled.budget_tokens: Input should be greater"),
    ({"thinking": ON}, "`max_tokens` must be greater than `thinking.budget_tokens`."),
]


@pytest.mark.parametrize(("changed", "words"), WRONG, ids=lambda value: str(value)[:50])
def test_what_is_refused(changed: dict[str, Any], words: str) -> None:
    assert refusal({**BASE, **changed}).startswith(words)


RIGHT: list[dict[str, Any]] = [
    {},
    {"system": "", "metadata": {"user_id": "x"}, "stop_sequences": ["END"], "temperature": 0.5, "top_k": 4},
    {"system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]},
    {"messages": [USER, {"role": "system", "content": "Now."}]},
    {"thinking": ON, "max_tokens": 1025, "temperature": 1},
    {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "high"}},
    {"tools": [WEATHER, {"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "none"}},
]


@pytest.mark.parametrize("changed", RIGHT, ids=lambda value: str(value)[:50])
def test_what_is_taken(changed: dict[str, Any]) -> None:
    assert refusal({**BASE, **changed}) == ""


def test_fields_of_betas_need_them() -> None:
    assert refusal({**BASE, "context_management": {}}, "2023-06-01", "context-management-2025-06-27") == ""


def test_sampling_has_gone_from_the_newer_version() -> None:
    assert refusal({**BASE, "temperature": 1}, "2026-10-21") == "temperature: Extra inputs are not permitted"


def test_older_models_have_no_effort_and_no_adaptive_thinking() -> None:
    small = {**BASE, "model": "claude-sandbox-small"}
    assert refusal({**small, "output_config": {"effort": "low"}}).startswith("This model does not support the effort")
    assert refusal({**small, "thinking": {"type": "adaptive"}}).startswith("adaptive thinking is not supported")
    assert refusal({**small, "temperature": 0.5, "top_p": 0.5}) == ""


def test_a_count_needs_no_limit_of_its_answer() -> None:
    assert refusal({"model": "claude-sandbox", "messages": [USER]}, counting=True) == ""


def test_the_head() -> None:
    check_head("2026-10-21", ["context-management-2025-06-27", "claude-code-20250219"])
    for version, betas in [("", []), ("x", []), ("2023-06-01", ["x"])]:
        with pytest.raises(Refused):
            check_head(version, betas)
