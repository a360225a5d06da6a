"""An API of the Messages form through a gateway and its stand-in, asked by clients of the OpenAI form."""

import base64
import json
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.png import PNG
from providers.sandbox.script import greeting
from tests.support.sdk import gathered, say
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


# -- all that an answer can be -----------------------------------------------------------------------------------------
def streamed(client: openai.OpenAI, prompt: str, **more: Any) -> tuple[str, str, str | None]:
    messages: Any = [{"role": "user", "content": prompt}]
    return gathered(client.chat.completions.create(model=MODEL, messages=messages, stream=True, **more))


def test_thinking_is_reasoning_and_is_asked_for_as_the_model_takes_it(client: openai.OpenAI, sites: Sites) -> None:
    text, reasoning, reason = streamed(client, "Hi", reasoning_effort="high")
    assert (text, reason) == (greeting("Hi"), "stop")
    assert reasoning
    assert (sent(sites)["thinking"], sent(sites)["output_config"]) == ({"type": "adaptive"}, {"effort": "high"})
    assert streamed(client, "Hi", reasoning_effort="none")[1] == ""


def test_calls_at_once_and_results_with_pictures(client: openai.OpenAI, sites: Sites) -> None:
    picture = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    calls = [
        {"id": f"call.{n}", "type": "function", "function": {"name": "weather", "arguments": "{}"}} for n in (1, 2)
    ]
    shown = [{"type": "text", "text": "Sun"}, {"type": "image_url", "image_url": {"url": picture}}]
    history: Any = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call.1", "content": shown},
        {"role": "tool", "tool_call_id": "call.2", "content": "Rain"},
        {"role": "user", "content": "Well?"},
    ]
    answer = client.chat.completions.create(model=MODEL, messages=history, tools=[TOOL])
    assert answer.choices[0].finish_reason in ("stop", "tool_calls")
    newest = sent(sites)["messages"][-1]["content"]
    assert [block["type"] for block in newest] == ["tool_result", "tool_result", "text"]
    assert [block["type"] for block in newest[0]["content"]] == ["text", "image"]


@pytest.mark.parametrize(
    ("directive", "reason"),
    [("fault=refusal", "content_filter"), ("fault=pause", "length"), ("fault=unknown_event", "stop"),
     ("fault=crlf", "stop"), ("fault=no_stop", "stop"), ("fault=after_stop", "stop"), ("cut=7", "stop"),
     ("encoding=gzip", "stop")],
)  # fmt: skip
def test_ends(client: openai.OpenAI, directive: str, reason: str) -> None:
    assert streamed(client, f"Hi\n!sandbox {directive} text=Hello")[2] == reason


def test_a_limit_and_a_stop_string(client: openai.OpenAI) -> None:
    assert streamed(client, "Hi", max_tokens=2)[2] == "length"
    text, _, reason = streamed(client, 'Hi\n!sandbox text="one two END three"', stop=["END"])
    assert (text, reason) == ("one two ", "stop")
    assert streamed(client, "Hi\n!sandbox text='one\n\ntwo'", stop=["\n\n"])[2] == "stop"


@pytest.mark.parametrize("fault", ["error_mid", "overloaded_mid", "hang_up", "no_delta", "broken_json"])
def test_what_breaks_off_in_the_middle_is_no_answer(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(openai.APIError):
        streamed(client, f"Hi\n!sandbox fault={fault} text='one two three four five six seven eight'")


@pytest.mark.parametrize(("fault", "status"), [("error_first", 502), ("401", 502), ("402", 429), ("403", 403)])
def test_refusals(client: openai.OpenAI, fault: str, status: int) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        streamed(client, f"Hi\n!sandbox fault={fault}")
    assert refused.value.status_code == status
    assert "x-glassgate-account" in refused.value.response.headers


def test_a_search_of_the_apis_own_and_its_sources(client: openai.OpenAI) -> None:
    answer = say(client, MODEL, "search the news", web_search_options={})
    noted = answer.choices[0].message.annotations[0].url_citation
    assert answer.choices[0].message.content[noted.start_index : noted.end_index] == "It says that all is made up."
    assert noted.url == "https://news.example/sandbox"


def test_a_client_that_leaves_ends_the_call(client: openai.OpenAI, sites: Sites) -> None:
    site = sites.site("anthropic")
    messages: Any = [{"role": "user", "content": "Hi\n!sandbox count=500 pace_ms=50"}]
    with client.chat.completions.create(model=MODEL, messages=messages, stream=True) as stream:
        next(iter(stream))
        open_now = site.connections
    sites.wait_for("anthropic", lambda: site.connections < open_now, 5)


def test_a_raw_prompt_is_asked_as_a_chat(client: openai.OpenAI) -> None:
    raw = client.completions.create(model=MODEL, prompt="Hi", max_tokens=64)
    assert (raw.choices[0].text, raw.choices[0].finish_reason) == (greeting("Hi"), "stop")
