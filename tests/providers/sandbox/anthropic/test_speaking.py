"""What the model behind the Messages stand-in says: limits, variants, its own search."""

from typing import Any

from tests.providers.sandbox.anthropic.asking import BASE, WEATHER, messages

ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "What is the weather in Rome?\n!sandbox variant=announced"}]
}


def test_it_stops_at_a_sequence_or_at_the_limit() -> None:
    stopped = messages("text='one two three four'", stop_sequences=["four", "three"]).json
    assert (stopped["content"][0]["text"], stopped["stop_reason"], stopped["stop_sequence"]) == (
        "one two ", "stop_sequence", "three",
    )  # fmt: skip
    cut = messages("text='one two three four'", max_tokens=2).json
    assert (cut["content"][0]["text"], cut["stop_reason"]) == ("one two", "max_tokens")


def test_calls_may_be_announced_and_tools_left_alone() -> None:
    announced = messages(tools=[WEATHER], **ASKED).json["content"]
    assert [block["type"] for block in announced] == ["text", "tool_use"]
    left = [{"role": "user", "content": "What is the weather in Rome?\n!sandbox variant=no_tool"}]
    assert messages(tools=[WEATHER], messages=left).json["stop_reason"] == "end_turn"


def test_thinking_may_come_unsigned_or_not_at_all() -> None:
    on: dict[str, Any] = {"thinking": {"type": "adaptive"}}
    assert "signature" not in messages("variant=unsigned", **on).json["content"][0]
    assert messages("variant=no_thought", **on).json["content"][0]["type"] == "text"
    assert messages("fault=no_block").json["content"] == []


def test_its_own_search() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    asked = [{"role": "user", "content": "Perform a web search for the query: sandbox"}]
    answer = messages(messages=asked, tools=tools).json
    assert [block["type"] for block in answer["content"]] == ["server_tool_use", "web_search_tool_result", "text"]
    assert answer["content"][2]["citations"][0]["url"] == "https://news.example/sandbox"
    assert answer["usage"]["server_tool_use"] == {"web_search_requests": 1}


def test_a_form_is_filled() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    asked = [{"role": "user", "content": "The city is Rome."}]
    config = {"format": {"type": "json_schema", "schema": schema}}
    assert (
        messages(messages=asked, output_config=config, model=BASE["model"]).json["content"][0]["text"]
        == '{"city": "Rome"}'
    )
