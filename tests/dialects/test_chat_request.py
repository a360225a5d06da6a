import json
from typing import Any

import pytest

from addons.core.errors import GatewayError
from addons.dialects.chat_completions import ChatCompletions
from addons.dialects.completions import Completions
from providers.chat import ImagePart, OtherPart, TextPart

HI = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": HI, **fields}).encode()


def refusal(raw: bytes) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        ChatCompletions().parse(raw)
    assert caught.value.status == 400
    return caught.value


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
        pytest.param({"stop": ["a", "b", "c", "d", "e"]}, "stop", id="five stops"),
        pytest.param({"stop": [""]}, "stop", id="empty stop"),
        pytest.param({"n": 0}, "n", id="no choices"),
        pytest.param({"reasoning_effort": "lots"}, "reasoning_effort", id="unknown effort"),
        pytest.param({"tools": [{}]}, "tools", id="tool without type"),
        pytest.param({"top_logprobs": 99}, "top_logprobs", id="too many logprobs"),
        pytest.param({"messages": HI * 2001}, "messages", id="2001 messages"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    error = refusal(body(**fields))
    assert error.param == param
    assert error.message


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"model":"m","messages":[{"role":"user","content":"\\ud83d"}]}', id="half a surrogate pair"),
        pytest.param(b'{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":NaN}', id="NaN"),
        pytest.param(b"[" * 1000 + b"]" * 1000, id="1000 deep"),
        pytest.param(b'{"a":' * 100_000, id="100000 deep and cut off"),
        pytest.param(body(x=json.loads("[" * 70 + "]" * 70)), id="70 deep"),
    ],
)
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    assert refusal(raw).code == "invalid_json"


def test_brackets_in_text_are_not_depth() -> None:
    parsed = ChatCompletions().parse(body(messages=[{"role": "user", "content": "[" * 500 + '"\\{'}]))
    assert parsed.chat.messages[0].text().startswith("[[[")


def test_fields_find_their_places_and_the_rest_travels_along() -> None:
    parsed = ChatCompletions().parse(
        body(
            stream=True,
            stream_options={"include_usage": True, "include_obfuscation": False},
            max_completion_tokens=7,
            stop="END",
            web_search_options={},
            prompt_cache_key="conversation-1",
            user="somebody",
            thinking={"type": "enabled"},
            seed=5,
        )
    )
    chat = parsed.chat
    assert parsed.include_usage
    assert (chat.stream, chat.max_tokens, chat.stop, chat.search) == (True, 7, ("END",), True)
    assert chat.affinity == "conversation-1"
    assert chat.extra == {
        "max_completion_tokens": 7,
        "stream_options": {"include_obfuscation": False},
        "web_search_options": {},
        "prompt_cache_key": "conversation-1",
        "user": "somebody",
        "thinking": {"type": "enabled"},
        "seed": 5,
    }


def test_messages_keep_their_parts_tools_and_unknown_fields() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "developer", "content": "rules"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "…", "format": "wav"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    ]
    chat = ChatCompletions().parse(body(messages=messages)).chat
    assert chat.messages[0].role == "developer"
    assert chat.messages[1].content == (
        TextPart("see", {"cache_control": {"type": "ephemeral"}}),
        ImagePart("https://x/y.png", "low", {}),
        OtherPart("input_audio", {"type": "input_audio", "input_audio": {"data": "…", "format": "wav"}}),
    )
    assert chat.messages[2].tool_calls[0].name == "f"
    assert chat.messages[2].extra == {"reasoning_content": "hm"}
    assert chat.messages[3].tool_call_id == "c1"


def legacy(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "prompt": "Once", **fields}).encode()


@pytest.mark.parametrize("prompt", ["Once", ["Once"]])
def test_legacy_prompt_is_one_user_message(prompt: Any) -> None:
    chat = Completions().parse(legacy(prompt=prompt, max_tokens=3)).chat
    assert chat.messages[0].text() == "Once"
    assert chat.max_tokens == 3


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"echo": True}, "echo"),
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"n": 2}, "n"),
        ({"logprobs": 3}, "logprobs"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_legacy_fields_a_chat_cannot_honour_are_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        Completions().parse(legacy(**fields))
    assert caught.value.param == param
