"""The form of a chat completions request: what is wrong with one is told by the field's name."""

import json
from typing import Any

import pytest

from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.errors import GatewayError
from tests.dialects.chat_completions.test_request import HI, body, refusal
from tests.support.turns import chat_in


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"messages": []}, "messages", id="no messages"),
        pytest.param({"messages": "hi"}, "messages", id="messages is text"),
        pytest.param({"messages": [{"role": "user"}]}, "messages[0]", id="no content"),
        pytest.param({"messages": [*HI, {"role": "wizard", "content": "x"}]}, "messages[1].role", id="unknown role"),
        pytest.param({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", id="content is a number"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]", id="empty part"
        ),
        pytest.param({"messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0]", id="part is a number"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0]",
            id="picture without url",
        ),
        pytest.param({"model": ""}, "model", id="empty model"),
        pytest.param({"model": 5}, "model", id="model is a number"),
        pytest.param({"stream": "yes"}, "stream", id="stream is text"),
        pytest.param({"temperature": "hot"}, "temperature", id="temperature is text"),
        pytest.param({"temperature": 3}, "temperature", id="temperature too high"),
        pytest.param({"max_tokens": 0}, "max_tokens", id="no tokens"),
        pytest.param({"max_tokens": True}, "max_tokens", id="bool for a number"),
        pytest.param({"max_completion_tokens": -1}, "max_completion_tokens", id="negative tokens"),
        pytest.param({"stop": ["a"] * 65}, "stop", id="65 stops"),
        pytest.param({"n": 0}, "n", id="no choices"),
        pytest.param({"reasoning_effort": "lots"}, "reasoning_effort", id="unknown effort"),
        pytest.param({"tools": [{}]}, "tools[0].type", id="tool without type"),
        pytest.param({"tools": [{"type": "function"}]}, "tools[0]", id="tool without function"),
        pytest.param({"functions": [{}]}, "functions[0].name", id="function without name"),
        pytest.param({"messages": [{"role": "user", "content": []}]}, "messages[0]", id="no parts"),
        pytest.param(
            {"messages": [*HI, {"role": "assistant", "tool_calls": [{"id": "c", "type": "function"}]}]},
            "messages[1].tool_calls[0]",
            id="tool call without function",
        ),
        pytest.param({"messages": [{"role": "tool", "content": "x"}]}, "messages[0]", id="tool result without id"),
        pytest.param(
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": 1}}]}
                ]
            },
            "messages[0].content[0]",
            id="detail is a number",
        ),
        pytest.param({"temperature": True}, "temperature", id="bool for a float"),
        pytest.param({"max_tokens": 1.5}, "max_tokens", id="fraction for a whole number"),
        pytest.param({"seed": "5"}, "seed", id="text for a number"),
        pytest.param({"store": "yes"}, "store", id="store is text"),
        pytest.param({"modalities": "text"}, "modalities", id="modalities is text"),
        pytest.param({"metadata": []}, "metadata", id="metadata is a list"),
        pytest.param({"logit_bias": {"5": "x"}}, "logit_bias", id="bias is text"),
        pytest.param({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", id="usage is a number"),
        pytest.param({"stop": [None]}, "stop[0]", id="stop is null"),
        pytest.param({"top_logprobs": 99}, "top_logprobs", id="too many logprobs"),
        pytest.param({"messages": HI * 2001}, "messages", id="2001 messages"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    error = refusal(body(**fields))
    assert error.param == param
    assert error.message


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n", "top_logprobs", "seed"])
def test_a_whole_number_may_be_written_with_a_point(name: str) -> None:
    chat = chat_in(ChatCompletions().parse(body(**{name: 5.0})))
    found = {"max_tokens": chat.max_tokens, "max_completion_tokens": chat.max_tokens, "n": chat.n}.get(name, 5)
    assert (found, type(found)) == (5, int)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"messages": "x"}, "messages: must be a list"),
        ({"messages": [5]}, "messages[0]: must be an object"),
        ({"model": None}, "model: must be text"),
        ({"stream": "yes"}, "stream: must be true or false"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(fields: dict[str, Any], words: str) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **fields}
    with pytest.raises(GatewayError) as caught:
        ChatCompletions().parse(json.dumps(body).encode())
    assert caught.value.message == words
