"""The form of the body, as far as pydantic checks it; the rest is tested with the request."""

from typing import Any

import pytest

from addons.dialects.body import validated
from addons.dialects.messages.schema import MessagesBody, check_entries
from addons.errors import GatewayError

HI = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tools": [{"name": 3}]}, "tools[0].name"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"thinking": {}}, "thinking.type"),
        ({"output_config": []}, "output_config"),
        ({"stop_sequences": "a"}, "stop_sequences"),
        ({"temperature": 2.1}, "temperature"),
    ],
)
def test_a_field_at_fault_is_named(fields: Any, message: str) -> None:
    with pytest.raises(GatewayError, match="^" + message.replace("[", r"\[")):
        validated(MessagesBody, {**HI, **fields})


def test_blocks_are_counted_also_within_results_and_what_is_no_list_is_none() -> None:
    check_entries({"messages": [{"content": [{"content": [1] * 4999}, {"content": [1] * 4999}]}]})
    with pytest.raises(GatewayError, match="the messages have 10001 blocks"):
        check_entries({"system": [1], "messages": [{"content": [{"content": [1] * 4999}, {"content": [1] * 4999}]}]})
    check_entries({"messages": 3, "tools": {}, "system": "a"})
