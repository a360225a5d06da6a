"""What the Responses stand-in refuses of fields and tools."""

from typing import Any

import pytest

from providers.sandbox.openai.responses.checks import check
from providers.sandbox.openai.responses.refused import Refused
from tests.providers.sandbox.openai.responses.asking import WEATHER


def refusal(body: dict[str, Any]) -> tuple[str | None, str]:
    try:
        check(body)
    except Refused as e:
        return e.code, str(e)
    return None, ""


NESTED = {"type": "function", "function": {"name": "x"}}
STRICT = {**WEATHER, "strict": True}
FORM = {"type": "json_schema", "json_schema": {"name": "x"}}
WRONG: list[Any] = [
    ({"messages": []}, "unsupported_parameter", "this parameter has moved to 'input'"),
    ({"response_format": {}}, "unsupported_parameter", "this parameter has moved to 'text.format'"),
    ({"max_tokens": 9}, "unsupported_parameter", "this parameter has moved to 'max_output_tokens'"),
    ({"stop": ["x"]}, "unknown_parameter", "Unknown parameter: 'stop'."),
    ({"max_output_tokens": 5}, "integer_below_min_value", "Expected a value >= 16, but got 5"),
    ({"tools": [NESTED]}, "missing_required_parameter", "Missing required parameter: 'tools[0].name'."),
    ({"tools": [{**WEATHER, "name": "a.b"}]}, "invalid_value", "Invalid 'tools[0].name'"),
    ({"tools": [{**WEATHER, "function": {}}]}, "unknown_parameter", "Unknown parameter: 'tools[0].function'."),
    ({"tools": [{"type": "custom", "name": "x", "parameters": {}}]}, "unknown_parameter", "'tools[0].parameters'"),
    ({"tools": [{"type": "what"}]}, "invalid_value", "Invalid value: 'what'."),
    ({"tools": [{"type": "namespace", "name": "n", "tools": [NESTED]}]}, "missing_required_parameter", "tools[0].name"),
    ({"tools": [STRICT]}, "invalid_function_parameters", "'additionalProperties' is required"),
    ({"tool_choice": "any"}, "invalid_value", "Supported values are: 'none', 'auto' and 'required'."),
    ({"tool_choice": NESTED}, "missing_required_parameter", "Missing required parameter: 'tool_choice.name'."),
    ({"text": {"format": FORM}}, "missing_required_parameter", "Missing required parameter: 'text.format.name'."),
    ({"text": {"format": {**FORM, "name": "x", "schema": {}}}}, "unknown_parameter", "'text.format.json_schema'"),
    ({"text": {"format": {"type": "xml"}}}, "invalid_value", "Invalid value: 'xml'."),
    ({"reasoning": {"effort": "ultra"}}, "invalid_value", "Invalid value: 'ultra'."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "words"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_refused(body: dict[str, Any], code: str, words: str) -> None:
    found, told = refusal(body)
    assert found == code
    assert words in told


def test_strict_wants_every_property() -> None:
    schema = {**WEATHER["parameters"], "additionalProperties": False}
    assert refusal({"tools": [{**STRICT, "parameters": schema}]}) == (None, "")
    optional = {**schema, "required": []}
    assert "'required' is required" in refusal({"tools": [{**STRICT, "parameters": optional}]})[1]


def test_what_is_taken() -> None:
    tools = [
        WEATHER,
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "namespace", "name": "n", "description": "x", "tools": [WEATHER]},
        {"type": "web_search", "external_web_access": False},
        {"type": "web_search_preview_2025_03_11"},
    ]
    schema = {"format": {"type": "json_schema", "name": "x", "schema": {}, "strict": True}}
    body = {"model": "m", "input": "Hi", "tools": tools, "tool_choice": {"type": "function", "name": "get_weather"}}
    assert refusal({**body, "text": schema, "reasoning": {"effort": "low"}, "client_metadata": {}}) == (None, "")
