"""What /openapi.json says of Messages, against what is taken and answered."""

import json
from typing import Any

import jsonschema_rs
import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.messages.description import ERROR, description
from addons.dialects.messages.dialect import Messages
from addons.dialects.messages.models import model_info
from addons.errors import GatewayError
from providers.contract.events import Finish, Reasoning, Text, ToolCallDelta, Usage
from providers.contract.provider import Model

SCHEMAS = description().schemas
HI: Any = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}


def fits(name: str, value: object) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("more", "right"),
    [
        ({}, True),
        ({"of another version": 1}, True),
        ({"messages": []}, False),
        ({"messages": [{"role": "user"}]}, False),
        ({"max_tokens": 0}, False),
        ({"tools": [{"name": "f", "input_schema": {}}], "tool_choice": {"type": "any"}}, True),
        ({"tool_choice": "any"}, False),
    ],
)
def test_a_request_fits_where_it_is_taken(more: Any, right: bool) -> None:
    assert fits("MessagesRequest", {**HI, **more}) is right
    try:
        taken = Messages().parse(json.dumps({**HI, **more}).encode()).refusal is None
    except GatewayError:
        taken = False
    assert taken is right


def test_answers_and_errors_are_as_described() -> None:
    dialect = Messages()
    parsed = dialect.parse(json.dumps({**HI, "thinking": {"type": "adaptive"}}).encode())
    events = [Reasoning("a"), Text("b"), ToolCallDelta(0, "c", "f", "{}"), Usage(1, 2, 3), Finish("tool_calls")]
    assert fits("Message", json.loads(dialect.encoder(parsed, AnswerMeta("msg_1", 1, "m")).encode(events)))
    assert fits(ERROR, json.loads(dialect.error(GatewayError(400, "No.")).content or b""))
    assert fits("MessagesModel", json.loads(json.dumps(model_info(Model("m", "m", context_length=9), 1))))
