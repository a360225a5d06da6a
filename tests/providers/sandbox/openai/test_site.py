"""The stand-in of official APIs: strict at its door, its faults on demand."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers.sandbox.openai.refusals import REFUSALS
from providers.sandbox.openai.site import MODELS, OpenAISite
from providers.sandbox.run import Sandbox
from tests.support.asked import RecordedAnswer, ask


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(("openai",)) as running:
        yield running


@pytest.mark.anyio
async def test_the_official_form_wants_its_key_and_a_known_model(sandbox: Sandbox) -> None:
    base, key = sandbox.base_url("openai"), sandbox.site("openai").key
    message = {"role": "user", "content": "Hi"}
    async with httpx.AsyncClient() as client:
        for token, model, status in [(key, "sandbox-large", 200), ("no", "sandbox-large", 401), (key, "gpt", 404)]:
            answer = await client.post(
                f"{base}/v1/chat/completions",
                json={"model": model, "messages": [message]},
                headers={"authorization": f"Bearer {token}"},
            )
            assert answer.status_code == status


def chat(directive: str = "", **body: Any) -> RecordedAnswer:
    """The answer to a chat, its frames sent without a pause."""
    site = OpenAISite()
    prompt = f"Hi\n!sandbox pace_ms=0 text='one two three four five' reasoning=thought {directive}"
    whole = {"model": "sandbox-large", "messages": [{"role": "user", "content": prompt}], **body}
    return ask(site, "POST", "/v1/chat/completions", whole, authorization=f"Bearer {site.key}")


def deltas(answer: RecordedAnswer, index: int = 0) -> list[Any]:
    chunks = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
    return [choice["delta"] for choice in choices if choice["index"] == index]


def words(answer: RecordedAnswer, index: int = 0) -> str:
    return "".join(delta.get("content") or "" for delta in deltas(answer, index))


def test_an_answer_is_the_same_whole_and_streamed() -> None:
    whole = chat().json
    streamed = chat(stream=True, stream_options={"include_usage": True}, n=2, logprobs=True)
    assert whole["choices"][0]["message"]["content"] == "one two three four five"
    assert words(streamed) == words(streamed, 1) == "one two three four five"
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert '"total_tokens": 33' in streamed.text
    assert '"logprobs"' in streamed.text
    assert '"total_tokens"' not in chat(stream=True).text


TOOL = {"type": "function", "function": {"name": "weather"}}


def test_a_tool_is_called_whole_and_streamed_unless_the_script_says_no() -> None:
    choice = chat(tools=[TOOL]).json["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    calls = [
        delta["tool_calls"][0]["function"] for delta in deltas(chat(tools=[TOOL], stream=True)) if "tool_calls" in delta
    ]
    assert calls[0]["name"] == "weather"
    assert json.loads("".join(call["arguments"] for call in calls)) == {"city": "Paris"}
    assert words(chat("variant=no_tool", tools=[TOOL], stream=True)) == "one two three four five"


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": CITY}}


def asked(question: str, *before: Any, **body: Any) -> RecordedAnswer:
    """The answer of the model, without a directive."""
    site = OpenAISite()
    messages = [*before, {"role": "user", "content": question}] if question else list(before)
    whole = {"model": "sandbox-large", "messages": messages, **body}
    return ask(site, "POST", "/v1/chat/completions", whole, authorization=f"Bearer {site.key}")


def test_the_model_calls_tools_in_parallel_and_answers_from_their_results() -> None:
    first = asked("The weather in Paris and in London?", tools=[WEATHER]).json["choices"][0]["message"]
    assert [json.loads(call["function"]["arguments"])["city"] for call in first["tool_calls"]] == ["Paris", "London"]
    streamed = deltas(asked("The weather in Paris and in London?", tools=[WEATHER], stream=True))
    heads = [call for delta in streamed for call in delta.get("tool_calls", ()) if "id" in call]
    assert [(call["index"], call["id"]) for call in heads] == [(0, "call_sandbox_1"), (1, "call_sandbox_2")]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "rain"} for call in first["tool_calls"]]
    question = {"role": "user", "content": "The weather in Paris and in London?"}
    second = asked("", question, first, *results, tools=[WEATHER]).json["choices"][0]
    assert (second["finish_reason"], "rain" in second["message"]["content"]) == ("stop", True)


def test_the_model_fills_the_form_it_is_given() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY}}
    said = asked("Where is the tower of Paris?", response_format=form).json["choices"][0]["message"]["content"]
    assert json.loads(said) == {"city": "Paris"}


def test_reasoning_comes_where_it_is_asked_for() -> None:
    assert chat(reasoning_effort="low").json["choices"][0]["message"]["reasoning_content"] == "thought"
    assert "reasoning_content" not in chat().json["choices"][0]["message"]
    assert deltas(chat("variant=reasoning", stream=True))[1] == {"reasoning_content": "thought"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"messages": []}, 400),
        ({"messages": "Hi"}, 400),
        ({"model": "gpt"}, 404),
        ({"tools": [{"type": "web"}]}, 400),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": 3}]}, 400),
        ({"messages": [{"role": "user", "content": [{"type": ["text"], "text": "Hi"}]}]}, 200),
    ],
)
def test_a_body_it_cannot_answer_is_refused(body: dict[str, Any], status: int) -> None:
    assert chat(**body).status == status


@pytest.mark.parametrize("fault", sorted(REFUSALS))
def test_a_refusal_comes_instead_of_an_answer(fault: str) -> None:
    answer = chat(f"fault={fault}", stream=True)
    assert (answer.status, answer.json) == REFUSALS[fault][:2]


def test_other_faults_before_a_stream() -> None:
    assert chat("fault=429 retry_after=9").headers["retry-after"] == "9"
    assert chat("fault=429").headers["retry-after"] == "2"
    assert chat("fault=html").headers["content-type"] == "text/html"
    assert chat("fault=json_error").json["error"]["code"] == "engine_error"
    assert (chat("fault=empty").body, chat("fault=empty").whole) == (b"", True)
    assert chat("fault=reset_first").end == "reset"
    assert chat("fault=bad_encoding").headers["content-encoding"] == "gzip"
    assert chat("fault=500 only_model=sandbox-small").status == 200


@pytest.mark.parametrize("fault", ["glued_lines", "broken_json", "no_done", "unknown_event", "crlf", "after_done"])
def test_oddities_of_a_stream_change_its_bytes_and_not_its_words(fault: str) -> None:
    answer = chat(f"fault={fault}", stream=True)
    assert answer.body != chat(stream=True).body
    good = [line for line in answer.text.splitlines() if line.startswith("data: {") and line.endswith("}")]
    said = [choice["delta"].get("content") or "" for line in good for choice in json.loads(line[6:]).get("choices", ())]
    assert "".join(said).removesuffix("words after the end") == "one two three four five"


def test_faults_that_cut_a_stream() -> None:
    assert deltas(chat("fault=error_first", stream=True)) == []
    for fault, ended in (("truncated", ""), ("error_mid", ""), ("reset", "reset"), ("hang_up", "closed")):
        answer = chat(f"fault={fault}", stream=True)
        assert "[DONE]" not in answer.text
        assert answer.end == ended
        assert answer.whole == (not ended)


def test_counted_answers_have_so_many_words() -> None:
    assert words(chat("count=7", stream=True)) == "word " * 7


def test_models_are_listed_and_other_paths_are_not_there() -> None:
    site = OpenAISite()
    signed = {"authorization": f"Bearer {site.key}"}
    assert [model["id"] for model in ask(site, "GET", "/v1/models", **signed).json["data"]] == list(MODELS)
    assert ask(site, "GET", "/v1/other", **signed).status == 404
    assert ask(site, "POST", "/v1/completions", {"model": "gpt"}, **signed).status == 404


def test_a_directive_stands_before_what_the_system_says_last() -> None:
    turns = [{"role": "user", "content": "Hi\n!sandbox text=no"}, {"role": "system", "content": "Your environment"}]
    assert chat(messages=turns).json["choices"][0]["message"]["content"] == "no"


def test_a_refusal_and_an_end_of_length_are_told_in_both_ways() -> None:
    asked = "variant=refusal fault=length text=no"
    (choice,) = chat(asked).json["choices"]
    assert (choice["message"]["content"], choice["message"]["refusal"], choice["finish_reason"]) == (
        None,
        "no",
        "length",
    )
    assert [delta["refusal"] for delta in deltas(chat(asked, stream=True)) if "refusal" in delta] == ["no"]
