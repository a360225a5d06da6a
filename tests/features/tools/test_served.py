"""Tools the whole way: the SDK, the gateway, and the obedient model behind each site's stand-in."""

import json
from collections.abc import Sequence
from typing import Any, Final

import openai
import pytest
from openai.types.chat import ChatCompletionMessage

from tests.features.tools.toolboxes import given

MODELS: Final = ("GLM-4.6", "qwen-max", "LongCat", "MBZUAI-IFM/K2-Think")
WEATHER: Final = given(
    "get_weather",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    description="The weather of a city.",
)
BASH: Final = given(
    "Bash",
    {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    description="Runs a shell command.",
)
QUESTION: Final = "Use get_weather for Paris."


def whole(client: openai.OpenAI, model: str, messages: Sequence[Any], **more: Any) -> tuple[ChatCompletionMessage, str]:
    found = client.chat.completions.create(model=model, messages=list(messages), **more)
    assert found.usage is not None
    assert found.usage.completion_tokens > 0
    return found.choices[0].message, found.choices[0].finish_reason


def streamed(
    client: openai.OpenAI, model: str, messages: Sequence[Any], **more: Any
) -> tuple[ChatCompletionMessage, str]:
    """The same of a stream, put together by the SDK, which is strict about indexes and ids."""
    with client.chat.completions.stream(model=model, messages=list(messages), **more) as stream:
        for _ in stream:
            pass
        found = stream.get_final_completion()
    return found.choices[0].message, found.choices[0].finish_reason


def call_of(message: ChatCompletionMessage) -> tuple[str, Any]:
    assert message.tool_calls
    (call,) = message.tool_calls
    assert call.type == "function"
    assert call.id.startswith("call_")
    return call.function.name, json.loads(call.function.arguments)


@pytest.mark.parametrize("asked", [whole, streamed])
@pytest.mark.parametrize("model", MODELS)
def test_a_tool_is_called_and_its_result_answered_from(client: openai.OpenAI, model: str, asked: Any) -> None:
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
    message, reason = asked(client, model, messages, tools=[WEATHER, BASH])
    assert (call_of(message)[0], call_of(message)[1]["city"], reason) == ("get_weather", "Paris", "tool_calls")
    assert not message.content
    messages += [
        message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}),
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "21 degrees and sunny"},
    ]
    message, reason = asked(client, model, messages, tools=[WEATHER, BASH])
    assert "21 degrees and sunny" in (message.content or "")
    assert (message.tool_calls or [], reason) == ([], "stop")
    messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": "Say exactly: bye"}]
    message, reason = asked(client, model, messages, tools=[WEATHER, BASH])
    assert ("bye" in (message.content or ""), reason) == (True, "stop")
    messages += [
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": "Use get_weather for Oslo."},
    ]
    message, reason = asked(client, model, messages, tools=[WEATHER, BASH])
    assert (call_of(message)[1]["city"], reason) == ("Oslo", "tool_calls")


@pytest.mark.parametrize("model", MODELS)
def test_a_name_that_a_site_has_too_comes_back_as_the_clients(client: openai.OpenAI, model: str) -> None:
    asked = [{"role": "user", "content": "Call Bash with the command `ls`."}]
    message, _ = whole(client, model, asked, tools=[WEATHER, BASH], tool_choice="required")
    assert call_of(message)[0] == "Bash"


@pytest.mark.parametrize("asked", [whole, streamed])
@pytest.mark.parametrize("model", MODELS)
def test_several_calls_at_once_and_one_where_only_one_is_wanted(client: openai.OpenAI, model: str, asked: Any) -> None:
    messages = [{"role": "user", "content": "Use get_weather for Paris and for Rome."}]
    message, _ = asked(client, model, messages, tools=[WEATHER])
    assert [json.loads(call.function.arguments)["city"] for call in message.tool_calls] == ["Paris", "Rome"]
    assert len({call.id for call in message.tool_calls}) == 2
    message, _ = asked(client, model, messages, tools=[WEATHER], parallel_tool_calls=False)
    assert call_of(message)[1]["city"] == "Paris"


@pytest.mark.parametrize("asked", [whole, streamed])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("auto", None),
        ("required", "get_weather"),
        ({"type": "function", "function": {"name": "Bash"}}, "Bash"),
    ],
    ids=["none", "auto", "required", "named"],
)
def test_the_choice_is_kept(client: openai.OpenAI, model: str, asked: Any, choice: Any, called: str | None) -> None:
    messages = [{"role": "user", "content": "Good morning"}]
    message, reason = asked(client, model, messages, tools=[WEATHER, BASH], tool_choice=choice)
    if called is None:
        assert (message.tool_calls or [], reason) == ([], "stop")
        assert message.content
    else:
        assert (call_of(message)[0], reason) == (called, "tool_calls")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_functions_are_answered_in_their_own_form(client: Any, model: str, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    functions: list[Any] = [WEATHER["function"]]
    asked: dict[str, Any] = {"model": model, "functions": functions, "stream": stream}
    if stream:
        chunks = list(client.chat.completions.create(messages=messages, **asked))
        deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
        (call,) = [delta.function_call for delta in deltas if delta.function_call]
        reason = chunks[-1].choices[0].finish_reason
        assert not any(delta.tool_calls for delta in deltas)
    else:
        choice = client.chat.completions.create(messages=messages, **asked).choices[0]
        call, reason = choice.message.function_call, choice.finish_reason
        assert (choice.message.content, choice.message.tool_calls) == (None, None)
    assert (call.name, json.loads(call.arguments)["city"], reason) == ("get_weather", "Paris", "function_call")
    messages += [
        {"role": "assistant", "content": None, "function_call": {"name": call.name, "arguments": call.arguments}},
        {"role": "function", "name": call.name, "content": "21 degrees"},
    ]
    answer = client.chat.completions.create(messages=messages, **{**asked, "stream": False}).choices[0]
    assert "21 degrees" in (answer.message.content or "")
    assert answer.finish_reason == "stop"


def test_a_custom_tool_gets_its_text(client: openai.OpenAI) -> None:
    """In whole: of streams the SDK's types know no custom tools."""
    tool = {"type": "custom", "custom": {"name": "note_down", "description": "Notes a text."}}
    messages: list[Any] = [{"role": "user", "content": 'Use note_down with input "buy milk".'}]
    message, reason = whole(client, "GLM-4.6", messages, tools=[WEATHER, tool], tool_choice="required")
    assert message.tool_calls
    (call,) = message.tool_calls
    assert call.type == "custom"
    assert (call.type, call.custom.name, reason) == ("custom", "note_down", "tool_calls")
    assert call.custom.input
    messages += [
        message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}),
        {"role": "tool", "tool_call_id": call.id, "content": "noted as 7"},
    ]
    message, _ = whole(client, "GLM-4.6", messages, tools=[WEATHER, tool])
    assert "noted as 7" in (message.content or "")


@pytest.mark.parametrize("stream", [False, True])
def test_each_of_several_answers_has_calls_of_its_own(client: Any, stream: bool) -> None:
    asked = {"model": "GLM-4.6", "messages": [{"role": "user", "content": QUESTION}], "tools": [WEATHER], "n": 2}
    if stream:
        chunks = list(client.chat.completions.create(stream=True, **asked))
        choices = [choice for chunk in chunks for choice in chunk.choices]
        ids = [call.id for choice in choices for call in choice.delta.tool_calls or () if call.id]
        reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
    else:
        found = client.chat.completions.create(**asked).choices
        ids = [call.id for choice in found for call in choice.message.tool_calls]
        reasons = [choice.finish_reason for choice in found]
    assert len(set(ids)) == len(ids) == 2
    assert reasons == ["tool_calls", "tool_calls"]


def test_models_of_sites_say_that_they_take_tools(client: openai.OpenAI) -> None:
    listed: Any = {model.id: model for model in client.models.list(extra_query={"all": "true"})}
    for model in MODELS:
        assert {"tools", "tool_choice", "response_format"} <= set(listed[model].supported_parameters)
    assert listed["qwen-max-image"].supported_parameters == []


SITES_OWN: Final = ("search", "web_search", "web_extractor", "code_interpreter", "bio", "common_search", "x")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "variant"),
    [
        ("GLM-4.6", "glm_block"),
        ("GLM-4.6-Search", ""),
        ("qwen-max", "tools+two_searches"),
        ("qwen-max-search", "web_extractor"),
        ("LongCat", "common_search"),
        ("LongCat", "media"),
        ("MBZUAI-IFM/K2-Think", "details"),
    ],
)
def test_a_call_of_the_sites_own_is_none_of_the_clients(client: Any, model: str, variant: str, stream: bool) -> None:
    """Even where the client has a tool of the same name that would take its arguments."""
    words = "It is sunny. More of it."
    prompt = f"Hi\n!sandbox pace_ms=0 text='{words}' variant={variant or 'none'}"
    tools = [given(name, {"type": "object"}) for name in SITES_OWN]
    asked = {"model": model, "messages": [{"role": "user", "content": prompt}], "tools": tools, "stream": stream}
    if stream:
        choices = [choice for chunk in client.chat.completions.create(**asked) for choice in chunk.choices]
        text = "".join(choice.delta.content or "" for choice in choices)
        calls = [call for choice in choices for call in choice.delta.tool_calls or ()]
        reason = choices[-1].finish_reason
    else:
        (choice,) = client.chat.completions.create(**asked).choices
        text, calls, reason = choice.message.content, choice.message.tool_calls or [], choice.finish_reason
    assert calls == []
    assert words in text
    assert reason == "stop"
