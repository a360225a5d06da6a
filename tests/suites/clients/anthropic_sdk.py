"""Anthropic's SDK: a tool round trip, a structured answer, thinking, the list of models, a count of tokens."""

from functools import partial
from typing import Any

from anthropic import Anthropic
from pydantic import BaseModel
from report import BASE_URL, DESCRIBE, KEY, WEATHER, Weather, check_city, main

_TOOL: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class City(BaseModel):
    """A city."""

    name: str
    country: str
    population: int


def client() -> Anthropic:
    return Anthropic(base_url=BASE_URL.removesuffix("/v1"), api_key=KEY, max_retries=0, timeout=60)


def ask(stream: bool, **request: Any) -> Any:
    """The message, whichever way it came."""
    if not stream:
        return client().messages.create(max_tokens=2000, **request)
    with client().messages.stream(max_tokens=2000, **request) as streamed:
        seen = [event.type for event in streamed]
        assert seen[-1] == "message_stop", f"the stream ended with {seen[-1]}"
        return streamed.get_final_message()


def tool(name: str, *, stream: bool) -> None:
    weather = Weather()
    turns: list[Any] = [{"role": "user", "content": WEATHER}]
    for _ in range(4):
        said = ask(stream, model=name, messages=turns, tools=[_TOOL])
        calls = [block for block in said.content if block.type == "tool_use"]
        assert (said.stop_reason == "tool_use") == bool(calls), f"{said.stop_reason} with {len(calls)} calls"
        if not calls:
            break
        results = [{"type": "tool_result", "tool_use_id": c.id, "content": weather.get(**c.input)} for c in calls]
        turns += [{"role": "assistant", "content": said.content}, {"role": "user", "content": results}]
    weather.check("".join(block.text for block in said.content if block.type == "text"))


def structured(name: str, *, stream: bool) -> None:
    config = {"format": {"type": "json_schema", "schema": {**City.model_json_schema(), "additionalProperties": False}}}
    said = ask(stream, model=name, messages=[{"role": "user", "content": DESCRIBE}], output_config=config)
    city = City.model_validate_json("".join(block.text for block in said.content if block.type == "text"))
    check_city(city.name, city.country, city.population)


def thinking(name: str, *, stream: bool) -> None:
    """Its thinking goes back with the next turn."""
    turns: list[Any] = [{"role": "user", "content": "Reply with exactly one"}]
    first = ask(stream, model=name, messages=turns, thinking={"type": "enabled", "budget_tokens": 1024})
    assert any(block.type == "thinking" for block in first.content), [block.type for block in first.content]
    assert first.usage.output_tokens > 0
    turns += [{"role": "assistant", "content": first.content}, {"role": "user", "content": "Reply with exactly two"}]
    second = ask(stream, model=name, messages=turns, thinking={"type": "enabled", "budget_tokens": 1024})
    assert "two" in second.content[-1].text


def around(name: str) -> None:
    """What stands beside messages."""
    listed = name.removesuffix("-Thinking")  # a way to ask a model, and none of its own
    assert listed in [model.id for model in client().models.list(limit=1000)]
    turns: list[Any] = [{"role": "user", "content": "Hi"}]
    assert client().messages.count_tokens(model=name, messages=turns).input_tokens > 0


main(
    {
        ("models and tokens", "all"): around,
        **{
            (task, "stream" if stream else "whole"): partial(run_it, stream=stream)
            for task, run_it in (("tool", tool), ("structured", structured), ("thinking", thinking))
            for stream in (False, True)
        },
    }
)
