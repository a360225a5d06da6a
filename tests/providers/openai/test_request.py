import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

from addons.dialects.chat_completions.request import parse_chat
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from providers.openai.form import Form
from providers.openai.presets import PRESETS
from providers.openai.request import wire_request
from tests.support.turns import chat_in

MODEL = Model("Public", "site-id", tools="native")
ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def sent(client: dict[str, Any], form: Form | None = None, **model: Any) -> dict[str, Any]:
    """What goes to the API for a client's body, through the real parser."""
    chat = chat_in(parse_chat(json.dumps(client).encode()))
    found = json.loads(wire_request(chat, replace(MODEL, **model), form or Form()).body)
    assert isinstance(found, dict)
    return found


EVERYTHING: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "be kind", "name": "dev"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what?", "cache_control": {"type": "ephemeral"}},
                {
                    "type": "image_url",
                    "image_url": {"url": "https://a.example/x.png", "detail": "low", "format": "png"},
                },
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}, "min_pixels": 4},
                {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "thought",
            "refusal": "no",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"s": 1},
                },
                {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "42"}]},
        {"role": "function", "name": "g", "content": "43"},
    ],
    "stream": False,
    "temperature": 0,
    "top_p": 0.5,
    "max_completion_tokens": 5,
    "stop": ["a", "b"],
    "reasoning_effort": "low",
    "tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "n": 2,
    "logprobs": True,
    "top_logprobs": 3,
    "logit_bias": {"5": -1},
    "seed": 7,
    "user": "u",
    "metadata": {"a": "b"},
    "store": False,
    "modalities": ["text", "audio"],
    "audio": {"voice": "v", "format": "wav"},
    "prediction": {"type": "content", "content": "x"},
    "service_tier": "flex",
    "presence_penalty": 0.1,
    "frequency_penalty": -0.1,
    "verbosity": "low",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "web_search_options": {"search_context_size": "low"},
    "functions": [{"name": "g"}],
    "function_call": "auto",
    "provider": {"order": ["x"]},
    "chat_template_kwargs": {"enable_thinking": False},
    "nothing": None,
}


def test_every_field_reaches_the_api_as_the_client_sent_it() -> None:
    assert sent(EVERYTHING, Form(developer_role=True)) == {**EVERYTHING, "model": "site-id"}


def test_a_small_request_stays_small() -> None:
    assert sent(ASK) == {**ASK, "model": "site-id", "stream": False}


# -- stream and usage -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "supported", "expected"),
    [
        (None, True, {"include_usage": True}),
        ({"include_usage": False}, True, {"include_usage": True}),
        ({"include_obfuscation": False}, True, {"include_obfuscation": False, "include_usage": True}),
        (None, False, None),
        ({"include_usage": True}, False, None),
        ({"include_usage": True, "x": 1}, False, {"x": 1}),
    ],
)
def test_usage_is_asked_for_where_the_api_can(options: Any, supported: bool, expected: Any) -> None:
    body = sent({**ASK, "stream": True, "stream_options": options}, Form(stream_usage=supported))
    assert body["stream"] is True
    assert body.get("stream_options") == expected


def test_a_whole_answer_is_asked_for_whole() -> None:
    body = sent({**ASK, "stream": False})
    assert body["stream"] is False
    assert "stream_options" not in body


def test_thinking_in_streams_only_is_asked_for_as_a_stream() -> None:
    form = PRESETS["dashscope-intl"].form
    body = sent({**ASK, "reasoning_effort": "high"}, form)
    assert (body["stream"], body["enable_thinking"]) == (True, True)
    assert body["stream_options"] == {"include_usage": True}
    assert sent({**ASK, "reasoning_effort": "none"}, form)["stream"] is False
    assert sent(ASK, form)["stream"] is False
    assert sent({**ASK, "enable_thinking": True}, form)["stream"] is True


# -- names and values -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [("as_sent", None), ("max_tokens", "max_tokens"), ("max_completion_tokens", "max_completion_tokens")],
)
def test_max_tokens_goes_by_the_name_the_api_knows(name: str, rule: Any, expected: str | None) -> None:
    body = sent({**ASK, name: 9}, Form(max_tokens_name=rule))
    assert {key: value for key, value in body.items() if key.startswith("max_")} == {expected or name: 9}


def test_developer_becomes_system_where_the_role_is_unknown() -> None:
    messages = [{"role": "developer", "content": "x"}, {"role": "user", "content": "y"}]
    assert sent({**ASK, "messages": messages}, Form())["messages"][0]["role"] == "system"
    assert sent({**ASK, "messages": messages}, PRESETS["openai"].form)["messages"][0]["role"] == "developer"


def test_plain_content_joins_text_and_leaves_pictures_alone() -> None:
    text = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    picture = [*text, {"type": "image_url", "image_url": {"url": "https://a.example"}}]
    messages = [{"role": "user", "content": text}, {"role": "user", "content": picture}]
    found = sent({**ASK, "messages": messages}, Form(plain_content=True))["messages"]
    assert found[0]["content"] == "a\nb"
    assert found[1]["content"] == picture


# -- thinking -------------------------------------------------------------------------------------------------------
def thinking(preset: str, effort: str | None = None, more: Any = None, **model: Any) -> dict[str, Any]:
    client = {**ASK, **({"reasoning_effort": effort} if effort else {}), **(more or {})}
    body = sent(client, PRESETS[preset].form, **model)
    names = ("thinking", "enable_thinking", "reasoning_effort", "chat_template_kwargs")
    return {name: body[name] for name in names if name in body}


ON, OFF = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}
SWITCHES: dict[str, tuple[Callable[[], dict[str, Any]], dict[str, Any]]] = {
    "zai-nothing": (partial(thinking, "zai"), {}),
    "zai-high": (partial(thinking, "zai", "high"), ON),
    "zai-none": (partial(thinking, "zai", "none"), OFF),
    "zai-variant": (partial(thinking, "zai", thinking=True), ON),
    "zai-effort-model": (partial(thinking, "zai", "high", site_id="glm-5.2"), {**ON, "reasoning_effort": "high"}),
    "zai-effort-model-off": (partial(thinking, "zai", "minimal", site_id="glm-5.2"), OFF),
    "zai-own-words-stand": (
        partial(thinking, "zai", "high", {"thinking": {"type": "disabled", "clear_thinking": False}}),
        {"thinking": {"type": "disabled", "clear_thinking": False}},
    ),
    "longcat": (partial(thinking, "longcat", "medium"), ON),
    "dashscope-on": (partial(thinking, "dashscope-cn", "low"), {"enable_thinking": True}),
    "dashscope-off": (partial(thinking, "dashscope-us", "none"), {"enable_thinking": False}),
    "dashscope-own": (partial(thinking, "dashscope-us", "none", {"enable_thinking": True}), {"enable_thinking": True}),
    "k2think-as-is": (partial(thinking, "k2think", "medium"), {"reasoning_effort": "medium"}),
    "k2think-max": (partial(thinking, "k2think", "max"), {"reasoning_effort": "high"}),
    "k2think-none": (partial(thinking, "k2think", "none"), {"reasoning_effort": "low"}),
    "deepseek-medium": (partial(thinking, "deepseek", "medium"), {**ON, "reasoning_effort": "high"}),
    "deepseek-none": (partial(thinking, "deepseek", "none"), OFF),
    "moonshot": (partial(thinking, "moonshot", "low", site_id="kimi-k2.6"), ON),
    "openai": (partial(thinking, "openai", "xhigh"), {"reasoning_effort": "xhigh"}),
    "openrouter-none": (partial(thinking, "openrouter", "none"), {"reasoning_effort": "none"}),
    "vllm": (partial(thinking, "vllm", "low"), {"reasoning_effort": "low"}),
    "llama.cpp-on": (
        partial(thinking, "llama.cpp", "low"),
        {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "low"}},
    ),
    "llama.cpp-off": (partial(thinking, "llama.cpp", "none"), {"chat_template_kwargs": {"enable_thinking": False}}),
    "llama.cpp-own": (
        partial(thinking, "llama.cpp", "low", {"chat_template_kwargs": {"enable_thinking": False, "x": 1}}),
        {"chat_template_kwargs": {"enable_thinking": False, "reasoning_effort": "low", "x": 1}},
    ),
}


@pytest.mark.parametrize(("body", "expected"), SWITCHES.values(), ids=SWITCHES.keys())
def test_thinking_is_switched_in_the_apis_words(body: Callable[[], dict[str, Any]], expected: dict[str, Any]) -> None:
    assert body() == expected


# -- search ---------------------------------------------------------------------------------------------------------
def test_search_is_switched_in_the_apis_words() -> None:
    client = {**ASK, "web_search_options": {"search_context_size": "low"}}
    assert sent(client, PRESETS["openai"].form)["web_search_options"] == {"search_context_size": "low"}
    qwen = sent(client, PRESETS["dashscope-intl"].form)
    assert qwen["enable_search"] is True
    assert "web_search_options" not in qwen
    tools = sent(client, PRESETS["zai"].form)["tools"]
    assert [tool["type"] for tool in tools] == ["web_search"]


def test_a_search_variant_adds_the_tool_beside_the_clients_own() -> None:
    form = PRESETS["zai"].form
    mine = {"type": "function", "function": {"name": "f"}}
    assert [t["type"] for t in sent({**ASK, "tools": [mine]}, form, search=True)["tools"]] == ["function", "web_search"]
    own = {"type": "web_search", "web_search": {"enable": "True", "count": 3}}
    assert sent({**ASK, "tools": [own]}, form, search=True)["tools"] == [own]
    assert "tools" not in sent(ASK, form)


# -- odd input ------------------------------------------------------------------------------------------------------
def chat(text: str = "hi", **fields: Any) -> ChatRequest:
    return ChatRequest("m", (Message("user", text),), **fields)


def test_any_text_can_be_sent() -> None:
    for text in ("Grüße 🌍", "\ud83d", "\x00\x1f", "~sealed~p~a~token~"):
        body = wire_request(chat(text), MODEL, Form()).body
        assert json.loads(body)["messages"][0]["content"] == text


def test_read_only_mappings_can_be_sent() -> None:
    body = wire_request(chat(extra=MappingProxyType({"a": MappingProxyType({"b": 1})})), MODEL, Form()).body
    assert json.loads(body)["a"] == {"b": 1}


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ProviderError) as caught:
        wire_request(chat(extra={"a": object()}), MODEL, Form())
    assert caught.value.kind is ErrorKind.BAD_REQUEST


@pytest.mark.parametrize("value", [float("nan"), -float("inf")])
def test_a_number_that_json_has_no_form_for_is_null(value: float) -> None:
    """No client format lets one in; whatever comes, what goes out is JSON."""
    assert json.loads(wire_request(chat(extra={"a": [value, "NaN"]}), MODEL, Form()).body)["a"] == [None, "NaN"]
