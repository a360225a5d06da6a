"""What a web session is asked for and cannot do is refused by name; an official API gets everything."""

import json
from typing import Any

import pytest
from openai.types.chat import completion_create_params as openai_params

from addons.dialects.chat_completions.request import OF_THE_FORM, parse_chat
from addons.errors import GatewayError
from addons.features.capabilities import HINTS, OF_THE_MODEL, REFUSED, check_support
from addons.features.chain import applied
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from tests.support.features import at
from tests.support.turns import taken

NOTHING: frozenset[str] = frozenset()
PLAIN = Model("m", "m")
TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}


def check(native: frozenset[str] | None = NOTHING, model: Model = PLAIN, **fields: Any) -> None:
    raw = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    parsed = parse_chat(json.dumps(raw).encode())
    check_support(parsed, taken(parsed, native), "zai", model)


def refused(native: frozenset[str] | None = NOTHING, model: Model = PLAIN, **fields: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        check(native, model, **fields)
    assert (caught.value.status, caught.value.code) == (400, "unsupported_parameter")
    assert "'zai'" in caught.value.message
    return caught.value


def ask(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hi"}, *messages]}


CHANGING: list[tuple[dict[str, Any], str]] = [
    ({"n": 2}, "n"),
    ({"logprobs": True}, "logprobs"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"logit_bias": {"50256": -100}}, "logit_bias"),
    ({"tools": [TOOL]}, "tools"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"function_call": {"name": "f"}}, "function_call"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
    ({"presence_penalty": 0.5}, "presence_penalty"),
    ({"frequency_penalty": -1}, "frequency_penalty"),
    (ask({"role": "assistant", "content": None, "tool_calls": [CALL]}), "messages[1]"),
    (ask({"role": "tool", "content": "42", "tool_call_id": "c"}), "messages[1]"),
    (ask({"role": "function", "name": "f", "content": "42"}), "messages[1]"),
    (ask({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}), "messages[1]"),
    (ask({"role": "assistant", "content": None, "audio": {"id": "a"}}), "messages[1].audio"),
    (ask({"role": "user", "content": [{"type": "text", "text": "see"}, PICTURE]}), "messages[1].content[1]"),
    (ask({"role": "user", "content": [{"type": "file", "file": {}}]}), "messages[1].content[0]"),
    (ask({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}), "messages[1].content[0]"),
]


@pytest.mark.parametrize(("fields", "param"), CHANGING)
def test_what_changes_the_answer_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).param == param


@pytest.mark.parametrize(("fields", "param"), CHANGING)
def test_an_official_api_gets_everything(fields: dict[str, Any], param: str) -> None:
    check(None, **fields)


@pytest.mark.parametrize("name", [param for _, param in CHANGING if param in REFUSED])
def test_what_the_site_carries_itself_is_not_refused(name: str) -> None:
    fields = next(fields for fields, param in CHANGING if param == name)
    check(frozenset({name}), **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1},
        {"logprobs": False},
        {"top_logprobs": 0},
        {"logit_bias": {}},
        {"logit_bias": {"1": 0, "2": 0.0}},
        {"audio": {}},
        {"function_call": {}},
        {"tool_choice": ""},
        {"tool_choice": {}},
        {"tool_choice": {"type": "none"}},
        {"tool_choice": {"type": "auto"}},
        {"tools": [], "tool_choice": "auto"},
        {"stop": []},
        {"stop": ""},
        {"response_format": {}},
        {"response_format": "text"},
        {"tools": []},
        {"tool_choice": "none"},
        {"tool_choice": "auto"},
        {"functions": []},
        {"function_call": "auto"},
        {"response_format": {"type": "text"}},
        {"modalities": ["text"]},
        {"presence_penalty": 0},
        {"frequency_penalty": 0.0},
        {"web_search_options": None},
        *({name: None} for name in sorted(REFUSED)),
    ],
    ids=json.dumps,
)
def test_values_that_change_nothing_pass(fields: dict[str, Any]) -> None:
    check(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"stop": ["a"], "max_tokens": 5},
        {"max_completion_tokens": 5, "stream": True, "stream_options": {"include_usage": True}},
        {"temperature": 0.2, "top_p": 0.9, "seed": 1, "user": "u", "metadata": {"a": "b"}, "store": True},
        {"service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s", "verbosity": "low"},
        {"parallel_tool_calls": False, "prediction": {"type": "content", "content": "x"}, "reasoning_effort": "high"},
        {"a_field_nobody_knows": 1},
    ],
    ids=lambda fields: ",".join(fields),
)
def test_hints_and_what_the_gateway_keeps_itself_pass(fields: dict[str, Any]) -> None:
    check(**fields)


def test_every_field_of_the_openai_request_is_in_one_place_of_the_table() -> None:
    known = {*openai_params.CompletionCreateParamsBase.__annotations__, "stream"}
    claims = applied(ChatRequest("m", ()), at(PLAIN, NOTHING)).claims
    places = [claims, HINTS, OF_THE_FORM, OF_THE_MODEL, frozenset(REFUSED)]
    assert known == frozenset().union(*places)
    assert sum(map(len, places)) == len(known)


def test_tools_pass_where_the_model_has_them_and_where_a_feature_sees_to_them() -> None:
    history = ask(
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "42", "tool_call_id": "c"},
    )
    check(model=Model("m", "m", tools="native"), tools=[TOOL], tool_choice="required", **history)
    emulated = Model("m", "m", tools="emulated")
    assert refused(model=emulated, tools=[TOOL], **history).param == "tools"
    raw = {"model": "m", "tools": [TOOL], "tool_choice": "required", **history}
    parsed = parse_chat(json.dumps(raw).encode())
    claims = applied(parsed.request, at(emulated, NOTHING)).claims
    check_support(parsed, taken(parsed, NOTHING), "zai", emulated, claims)


@pytest.mark.parametrize(
    ("native", "vision"), [(NOTHING, True), (frozenset({"images"}), False)], ids=["no upload", "blind model"]
)
def test_pictures_need_a_site_that_takes_and_a_model_that_sees_them(native: frozenset[str], vision: bool) -> None:
    message = ask({"role": "user", "content": [PICTURE]})
    refused(native, Model("m", "m", vision=vision), **message)
    check(frozenset({"images"}), Model("m", "m", vision=True), **message)


def test_search_is_refused_only_where_the_model_never_searches() -> None:
    assert refused(model=Model("m", "m", search=False), web_search_options={}).param == "web_search_options"
    check(model=Model("m", "m", search=None), web_search_options={})
    check(model=Model("m", "m", search=True), web_search_options={})


def test_a_seed_is_a_hint_and_log_probabilities_are_refused_by_name() -> None:
    check(seed=7)
    assert refused(logprobs=True).param == "logprobs"
    assert refused(top_logprobs=3).param == "top_logprobs"
