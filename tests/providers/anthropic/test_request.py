"""The body of a chat: what is carried, in which words."""

from typing import Any

import pytest

from providers.contract.chat import Message, TextPart, ToolCall
from providers.contract.errors import ErrorKind, ProviderError
from tests.providers.anthropic.streams import chat, known, site, written

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "look", "description": "Looks", "parameters": SCHEMA}}


def opus(**fields: Any) -> dict[str, Any]:
    return written(known("anthropic"), chat(model="claude-opus-4-6", **fields))


def test_the_least() -> None:
    assert written(site(), chat()) == {
        "model": "m",
        "max_tokens": 32_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "stream": False,
    }


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"max_tokens": 7}, {"max_tokens": 7}),
        ({"temperature": 1.7}, {"temperature": 1.0}),
        ({"temperature": 0.3, "top_p": 0.5}, {"temperature": 0.3}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"stop": ("END", "\n", "  ")}, {"stop_sequences": ["END"]}),
        ({"stream": True}, {"stream": True}),
        ({"extra": {"user": "u1"}}, {"metadata": {"user_id": "u1"}}),
        ({"extra": {"user": "u" * 300, "logprobs": True}}, {}),
        ({"search": True}, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ],
    ids=str,
)
def test_fields(fields: dict[str, Any], sent: dict[str, Any]) -> None:
    least = written(known("anthropic"), chat(model="claude-opus-4-6"))
    assert opus(**fields) == least | sent


def test_sampling_is_not_sent_to_models_that_refuse_it_nor_beside_thinking() -> None:
    assert "temperature" not in written(known("anthropic"), chat(model="claude-opus-5", temperature=0.5))
    assert "temperature" not in opus(temperature=0.5, reasoning_effort="low")
    assert written(known("zai"), chat(model="GLM-4.6", temperature=0.5, reasoning_effort="low"))["temperature"] == 0.5
    assert written(known("minimax"), chat(model="MiniMax-M3", temperature=0.0))["temperature"] == 0.01


def test_tools_and_their_choice() -> None:
    sent = opus(tools=(TOOL,), tool_choice="required", extra={"parallel_tool_calls": False})
    assert sent["tools"] == [{"name": "look", "description": "Looks", "input_schema": SCHEMA}]
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_a_schema_for_the_answer_where_the_api_has_that() -> None:
    closed = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    sent = opus(response_format=FORMAT, reasoning_effort="max")
    assert sent["output_config"] == {"effort": "max", "format": {"type": "json_schema", "schema": closed}}
    assert "output_config" not in opus(response_format={"type": "json_object"})
    assert "output_config" not in written(known("zai"), chat(model="GLM-4.6", response_format=FORMAT))


def test_a_turn_with_calls_goes_on_without_thinking_where_signatures_are_checked() -> None:
    calls = (ToolCall("c", "look", "{}"),)
    history = (
        Message("user", "x"),
        Message("assistant", None, tool_calls=calls),
        Message("tool", "y", tool_call_id="c"),
    )
    api = known("anthropic")

    def thinks(model: str, *messages: Message) -> bool:
        return "thinking" in written(api, chat(*messages, model=model, reasoning_effort="high", tools=(TOOL,)))

    assert not thinks("claude-sonnet-4-5", *history)
    assert thinks("claude-sonnet-4-5", *history, Message("assistant", "So."), Message("user", "And?"))
    assert thinks("claude-opus-4-6", *history)  # adaptive thinking asks for none


def test_no_thinking_where_a_call_is_demanded() -> None:
    sent = opus(tools=(TOOL,), tool_choice="required", reasoning_effort="high")
    assert "thinking" not in sent
    assert sent["output_config"] == {"effort": "high"}


def test_long_prefixes_are_marked_for_the_cache_of_an_api_that_wants_that() -> None:
    long = Message("system", "x" * 5000)
    sent = written(known("anthropic"), chat(long, Message("user", "hi"), model="claude-opus-4-6", tools=(TOOL,)))
    assert sent["system"][0]["cache_control"] == sent["messages"][-1]["content"][-1]["cache_control"]
    assert "cache_control" not in str(written(known("zai"), chat(long, Message("user", "hi"))))
    own = Message("user", (TextPart("hi", {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),))
    assert str(written(known("anthropic"), chat(long, own, tools=(TOOL,)))).count("cache_control") == 1


def test_a_tool_that_is_no_function_is_refused() -> None:
    with pytest.raises(ProviderError) as refused:
        opus(tools=({"type": "custom", "custom": {"name": "x"}},))
    assert (refused.value.kind, refused.value.param) == (ErrorKind.BAD_REQUEST, "tools[0]")
