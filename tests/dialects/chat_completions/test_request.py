import json
from typing import Any

import pytest
from openai.types.chat import completion_create_params as openai_params

from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.chat_completions.request import wants_usage
from addons.errors import GatewayError
from addons.features.capabilities import check_support
from providers.contract.chat import ImagePart, OtherPart, TextPart
from providers.contract.provider import Model
from providers.openai.form import Form
from providers.openai.request import wire_request
from tests.support.turns import chat_in, taken

HI = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": HI, **fields}).encode()


def refusal(raw: bytes) -> GatewayError:
    """What a web session refuses the request for; some of it the gateway itself cannot read either."""
    try:
        found = ChatCompletions().parse(raw).refusal
    except GatewayError as error:
        found = error
    assert found is not None
    assert found.status == 400
    return found


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
    chat = chat_in(parsed)
    assert wants_usage(parsed)
    assert (chat.stream, chat.max_tokens, chat.stop, chat.search) == (True, 7, ("END",), True)
    assert chat.affinity == "conversation-1"
    assert chat.extra == {
        "max_completion_tokens": 7,
        "stop": "END",
        "stream_options": {"include_usage": True, "include_obfuscation": False},
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
    chat = chat_in(ChatCompletions().parse(body(messages=messages)))
    assert chat.messages[0].role == "developer"
    assert chat.messages[1].content == (
        TextPart("see", {"cache_control": {"type": "ephemeral"}}),
        ImagePart("https://x/y.png", "low", {}),
        OtherPart("input_audio", {"type": "input_audio", "input_audio": {"data": "…", "format": "wav"}}),
    )
    assert chat.messages[2].tool_calls[0].name == "f"
    assert chat.messages[2].extra == {"reasoning_content": "hm"}
    assert chat.messages[3].tool_call_id == "c1"


def test_every_field_of_the_openai_request_arrives() -> None:
    modelled = {
        "model": "m",
        "messages": HI,
        "stream": True,
        "temperature": 0,
        "top_p": 1,
        "stop": ["a", "b"],
        "reasoning_effort": "xhigh",
        "tools": [{"type": "function", "function": {"name": "f", "strict": True}}, {"type": "custom", "custom": {}}],
        "tool_choice": "required",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s"}},
        "n": 3,
        "max_tokens": 9,
    }
    beside = {
        "stream_options": {"include_usage": True},
        "web_search_options": {"search_context_size": "low"},
        "prompt_cache_key": "k",
        "user": "u",
        "audio": {"voice": "alloy", "format": "wav"},
        "frequency_penalty": 0.5,
        "presence_penalty": -2,
        "function_call": {"name": "f"},
        "functions": [{"name": "f", "parameters": {}}],
        "logit_bias": {"50256": -100},
        "logprobs": True,
        "top_logprobs": 20,
        "metadata": {"a": "b"},
        "modalities": ["text", "audio"],
        "moderation": {"x": 1},
        "parallel_tool_calls": False,
        "prediction": {"type": "content", "content": "x"},
        "prompt_cache_options": {},
        "prompt_cache_retention": "24h",
        "safety_identifier": "s",
        "seed": -1,
        "service_tier": "flex",
        "store": False,
        "verbosity": "low",
    }
    assert {*modelled, *beside, "max_completion_tokens"} == {
        *openai_params.CompletionCreateParamsBase.__annotations__,
        "stream",
    }
    parsed = ChatCompletions().parse(json.dumps(modelled | beside).encode())
    chat = chat_in(parsed)
    assert dict(chat.extra) == beside
    assert (chat.stop, chat.n, chat.max_tokens, chat.search) == (("a", "b"), 3, 9, True)
    assert (chat.temperature, chat.top_p, chat.reasoning_effort) == (0, 1, "xhigh")
    assert list(chat.tools) == modelled["tools"]
    assert (chat.tool_choice, chat.response_format) == ("required", modelled["response_format"])


def test_null_means_not_said() -> None:
    parsed = ChatCompletions().parse(
        body(max_tokens=None, stop=None, n=None, tools=None, stream_options=None, seed=None)
    )
    chat = chat_in(parsed)
    assert (chat.max_tokens, chat.stop, chat.n, chat.tools) == (None, (), 1, ())
    assert not wants_usage(parsed)


# -- what an official API is to judge itself --------------------------------------------------------------------------
ODD: dict[str, Any] = {
    "stop": "",
    "max_tokens": -1,
    "max_completion_tokens": "many",
    "temperature": 2.5,
    "top_p": "x",
    "reasoning_effort": "lots",
    "top_logprobs": 25,
    "n": 0,
    "tools": {"a": 1},
    "tool_choice": ["f"],
    "response_format": "json",
    "stream_options": "usage",
    "user": 7,
    "metadata": [],
}


@pytest.mark.parametrize("name", ODD)
def test_a_value_of_another_form_travels_on_as_it_is(name: str) -> None:
    parsed = ChatCompletions().parse(body(**{name: ODD[name]}))
    sent = json.loads(wire_request(chat_in(parsed), Model("m", "m"), Form()).body)
    assert sent[name] == ODD[name]
    if name != "stop":  # the gateway stops for web sessions itself, and not at nothing
        assert parsed.refusal is not None


def test_messages_of_another_form_travel_on_as_they_are() -> None:
    called = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    messages = [
        {"role": "ipython", "content": {"text": "x"}},
        {"role": "user", "content": ["plain", {"type": "text", "text": "y"}]},
        {"role": "assistant", "content": None, "tool_calls": [called], "vendor": 1},
        {"role": "tool", "content": 5},
        {"role": "user", "content": "hi"},
    ]
    parsed = ChatCompletions().parse(body(messages=messages))
    assert json.loads(wire_request(chat_in(parsed), Model("m", "m"), Form()).body)["messages"] == messages
    assert parsed.refusal is not None


def test_many_messages_are_no_fault_of_the_form() -> None:
    parsed = ChatCompletions().parse(body(messages=HI * 2001))
    assert len(chat_in(parsed).messages) == 2001


@pytest.mark.parametrize(
    "fields", [{"messages": "hi"}, {"messages": ["hi"]}, {"model": 5}, {"stream": "yes"}, {"messages": None}]
)
def test_what_the_gateway_itself_needs_is_refused_for_all(fields: dict[str, Any]) -> None:
    with pytest.raises(GatewayError):
        ChatCompletions().parse(body(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "none", "tools": []},
        {"response_format": {"type": "text"}},
        {"response_format": "text"},
        {"reasoning_effort": "default"},
        {"reasoning_effort": "auto"},
        {"stop": ""},
        {"stop": ["a", "b", "c", "d", "e"]},
        dict.fromkeys(ODD),
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"},
    ],
)
def test_values_that_change_nothing_are_taken_by_web_sessions_too(fields: dict[str, Any]) -> None:
    parsed = ChatCompletions().parse(body(**fields))
    assert parsed.refusal is None
    check_support(parsed, taken(parsed, frozenset()), "zai", Model("m", "m"))


def test_a_refusal_in_the_parts_of_an_earlier_answer_is_words_of_it() -> None:
    parts = [{"type": "text", "text": "So"}, {"type": "refusal", "refusal": "no"}]
    asked = body(messages=[*HI, {"role": "assistant", "content": parts}, *HI])
    parsed = ChatCompletions().parse(asked)
    chat = chat_in(parsed)
    assert chat.messages[1].content == (TextPart("So"), TextPart("no"))
    sent = json.loads(wire_request(chat, Model("m", "m"), Form()).body)
    assert sent["messages"][1]["content"] == parts
