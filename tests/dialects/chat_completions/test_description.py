"""The description of chat completions against the checks themselves: what the schema refuses, the dialect refuses."""

from typing import Any

import jsonschema_rs
import pytest

from addons.dialects.chat_completions.description import description, request_schema
from addons.dialects.chat_completions.dialect import ChatCompletions
from tests.dialects.chat_completions.test_request import HI, body

SCHEMA, PARTS = request_schema()
CHECK = jsonschema_rs.validator_for({**SCHEMA, "components": {"schemas": PARTS}})
CALL = {"id": "c", "type": "function"}


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", **fields}]}


@pytest.mark.parametrize(
    ("fields", "right"),
    [
        ({}, True),
        ({"stop": "x"}, True),
        ({"stop": ["x"] * 64}, True),
        ({"stop": ["x"] * 65}, False),
        ({"stop": None}, True),
        ({"stop": [1]}, False),
        ({"temperature": 3}, False),
        ({"max_tokens": 0}, False),
        ({"reasoning_effort": "lots"}, False),
        ({"messages": []}, False),
        (message(), False),
        (message(content=[]), False),
        (message(content=""), True),
        (message(role="wizard", content="x"), False),
        (message(role="assistant"), True),
        (message(role="tool", content="42"), False),
        (message(role="tool", content="42", tool_call_id="c"), True),
        (message(content=[{"type": "text"}]), False),
        (message(content=[{"type": "text", "text": "x"}]), True),
        (message(content=[{"type": "image_url", "image_url": ""}]), False),
        (message(content=[{"type": "image_url", "image_url": {"url": "u"}}]), True),
        (message(content=[{"type": "image_url", "image_url": {"url": "u", "detail": 1}}]), False),
        (message(content=[{"type": "file"}]), True),
        (message(role="assistant", tool_calls=[CALL]), False),
        (message(role="assistant", tool_calls=[{**CALL, "function": {"name": "f"}}]), True),
        (message(role="assistant", tool_calls=[{"id": "c", "type": "custom"}]), True),
        (message(role="assistant", tool_calls=[{"id": "c"}]), False),
        ({"tools": [{"type": "function"}]}, False),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
        ({"tools": [{"type": "web_search"}]}, True),
    ],
    ids=repr,
)
def test_the_schema_and_the_checks_refuse_the_same(fields: dict[str, Any], right: bool) -> None:
    asked = {"model": "m", "messages": HI, **fields}
    assert CHECK.is_valid(asked) is right
    assert (ChatCompletions().parse(body(**fields)).refusal is None) is right


def test_its_example_is_a_request() -> None:
    told = description().operations["chat_completions"].request
    assert told is not None
    assert CHECK.is_valid(told["application/json"]["example"])
