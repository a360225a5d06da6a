"""An API of the Messages form through a gateway and its stand-in, asked by clients of the OpenAI form."""

import json
from typing import Any

import httpx
import openai

from providers.sandbox.script import greeting
from tests.support.sdk import say
from tests.support.sites import Sites

MODEL = "claude-sandbox"
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def sent(sites: Sites) -> dict[str, Any]:
    body: dict[str, Any] = sites.site("anthropic").requests[-1].json()
    return body


def test_words_stream_and_whole(client: openai.OpenAI, sites: Sites) -> None:
    whole = say(client, MODEL, "Hi")
    assert whole.choices[0].message.content == greeting("Hi")
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.prompt_tokens > 0
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    stream = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hi"}], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert words == greeting("Hi")
    assert chunks[-1].usage == whole.usage
    assert sent(sites)["max_tokens"] == 32_000


def test_tools_go_there_and_back(client: openai.OpenAI, sites: Sites) -> None:
    answer = say(client, MODEL, "Weather?", tools=[TOOL])
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Paris"})
    assert answer.choices[0].finish_reason == "tool_calls"
    history: list[Any] = [
        {"role": "user", "content": "Weather?"},
        answer.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "Sunny"},
    ]
    again = client.chat.completions.create(model=MODEL, messages=history, tools=[TOOL])
    assert again.choices[0].finish_reason == "stop"
    assert sent(sites)["messages"][-1]["content"][0] == {
        "type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "Sunny"}],
    }  # fmt: skip


def test_several_answers_are_asked_for_one_by_one(client: openai.OpenAI, sites: Sites) -> None:
    before = len(sites.site("anthropic").requests)
    answer = say(client, MODEL, "Hi", n=2)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert len(sites.site("anthropic").requests) - before == 2


def test_what_has_no_place_in_the_form_is_refused_by_name(http: httpx.Client) -> None:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "logprobs": True}
    answer = http.post("/v1/chat/completions", json=asked)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "logprobs")


def test_json_without_a_schema_is_asked_for_in_words(client: openai.OpenAI) -> None:
    answer = say(client, MODEL, 'Say {"a": 1}', response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)
