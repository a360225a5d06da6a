"""The object `response`: all fields that SDKs and clients want, with the request's own values."""

from typing import Any

import openai.types.responses as sdk
import pytest
from openai._models import validate_type

from addons.dialects.responses.document import ECHO_BYTES
from providers.contract.events import Finish, Text, Usage
from tests.dialects.responses.reading import META, answer_of, told

TOOL: Any = {"type": "function", "name": "f"}


def test_a_request_without_wishes() -> None:
    found = answer_of([Text("hi"), Usage(3, 4, 7, reasoning_tokens=1, cached_tokens=2), Finish("stop")])
    validate_type(type_=sdk.Response, value=found)
    assert (found["id"], found["object"], found["created_at"], found["model"]) == (
        META.id,
        "response",
        META.created,
        "m",
    )
    assert (found["error"], found["incomplete_details"], found["previous_response_id"]) == (None, None, None)
    assert (found["tools"], found["tool_choice"], found["parallel_tool_calls"], found["store"]) == (
        [],
        "auto",
        True,
        True,
    )
    assert found["text"] == {"format": {"type": "text"}}
    assert found["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 7,
    }


def test_its_wishes_are_repeated() -> None:
    wishes: dict[str, Any] = {
        "instructions": "be brief",
        "max_output_tokens": 64,
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": "auto"},
        "store": False,
        "temperature": 0.5,
        "top_p": 0.25,
        "tool_choice": "none",
        "metadata": {"a": "b"},
        "user": "u",
        "prompt_cache_key": "k",
    }
    schema = {"type": "json_schema", "name": "n", "schema": {}}
    found = answer_of([Text("hi"), Finish("stop")], **wishes, tools=[TOOL], text={"format": schema, "verbosity": "low"})
    validate_type(type_=sdk.Response, value=found)
    assert {name: found[name] for name in wishes} == wishes
    assert found["tools"] == [{"description": None, "parameters": None, "strict": None, **TOOL}]
    assert found["text"] == {"format": {"description": None, "strict": False, **schema}, "verbosity": "low"}


def test_usage_has_its_details_also_where_nobody_counted() -> None:
    """Codex cannot read a usage object whose details lack their number."""
    found = answer_of([Text("hi"), Finish("stop")])["usage"]
    assert found["input_tokens_details"]["cached_tokens"] == found["output_tokens_details"]["reasoning_tokens"] == 0


def test_what_a_stream_repeats_is_bounded() -> None:
    fields: Any = {"instructions": "x" * ECHO_BYTES, "tools": [TOOL], "temperature": 0.5}
    created, *_ = told([Text("a")], **fields)
    assert (created["response"]["instructions"], created["response"]["tools"]) == (None, [])
    assert created["response"]["temperature"] == 0.5


@pytest.mark.parametrize(
    "odd", [{"tools": "x"}, {"metadata": 7}, {"reasoning": 7}, {"text": {"format": 7}}, {"tool_choice": 7}]
)
def test_odd_values_are_not_repeated(odd: Any) -> None:
    validate_type(type_=sdk.Response, value=answer_of([Text("hi"), Finish("stop")], **odd))
