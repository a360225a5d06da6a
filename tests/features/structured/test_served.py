"""Structured output and several answers the whole way: the SDK, the gateway, the model behind each site's stand-in."""

import json
from typing import Any, Final, Literal

import openai
import pytest
from pydantic import BaseModel, Field

from tests.support.sites import Sites

MODELS: Final = ("GLM-4.6", "qwen-max", "LongCat", "MBZUAI-IFM/K2-Think")
ANY: Final = {"type": "json_object"}
MISFIT: Final = '!sandbox text="I would rather say {\\"town\\": 3} or so."'
TOOL: Final[Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Day(BaseModel):
    weekday: Literal["monday", "sunday"]
    degrees: int = Field(ge=-50, le=60)


class Weather(BaseModel):
    """What is asked for: nested, with a list, a choice, and bounds."""

    city: str
    days: list[Day] = Field(min_length=1)
    windy: bool | None


def asked(prompt: str) -> Any:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}]


def gathered(stream: Any) -> dict[int, str]:
    """Choice → text of a stream."""
    found: dict[int, str] = {}
    for chunk in stream:
        for choice in chunk.choices:
            found[choice.index] = found.get(choice.index, "") + (choice.delta.content or "")
    return found


@pytest.mark.parametrize("model", MODELS)
def test_parse_gives_the_object(client: openai.OpenAI, model: str) -> None:
    found = client.chat.completions.parse(
        model=model, messages=asked("Weather in Paris on sunday"), response_format=Weather
    )
    message = found.choices[0].message
    assert isinstance(message.parsed, Weather)
    assert message.refusal is None
    assert found.usage
    assert found.usage.completion_tokens > 0


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_parses_to_the_object(client: openai.OpenAI, model: str) -> None:
    with client.chat.completions.stream(
        model=model, messages=asked("Weather in Paris on sunday"), response_format=Weather
    ) as stream:
        for _ in stream:
            pass
        found = stream.get_final_completion()
    assert isinstance(found.choices[0].message.parsed, Weather)
    assert found.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_any_object(client: openai.OpenAI, model: str, stream: bool) -> None:
    form: Any = ANY
    found: Any = client.chat.completions.create(
        model=model, messages=asked('An object with the keys "a" and "b"'), response_format=form, stream=stream
    )
    text = gathered(found)[0] if stream else found.choices[0].message.content
    assert set(json.loads(text)) == {"a", "b"}


@pytest.mark.parametrize("model", MODELS)
def test_what_does_not_fit_is_mended_the_whole_way(client: openai.OpenAI, model: str) -> None:
    """A directive holds for the newest message alone, which in the second round is the gateway's."""
    prompt = f"Weather\n{MISFIT}"
    answer = client.chat.completions.with_raw_response.parse(
        model=model, messages=asked(prompt), response_format=Weather
    )
    message = answer.parse().choices[0].message
    assert answer.headers["x-glassgate-repair"] == "1"
    assert isinstance(message.parsed, Weather)


@pytest.mark.parametrize(("model", "site"), zip(MODELS, ("zai", "qwen", "longcat", "k2think"), strict=True))
def test_who_never_does_it_has_refused_as_the_sdk_knows_it(
    client: openai.OpenAI, sites: Sites, monkeypatch: pytest.MonkeyPatch, model: str, site: str
) -> None:
    monkeypatch.setattr(sites.site(site), "slip", "refuse")
    message = client.chat.completions.parse(model=model, messages=asked("Paris"), response_format=Weather)
    assert (message.choices[0].message.parsed, bool(message.choices[0].message.refusal)) == (None, True)
    with client.chat.completions.stream(model=model, messages=asked("Paris"), response_format=Weather) as stream:
        kinds = {event.type for event in stream}
        found = stream.get_final_completion().choices[0]
    assert "refusal.done" in kinds
    assert (found.message.parsed, bool(found.message.refusal), found.finish_reason) == (None, True, "stop")


@pytest.mark.parametrize("model", MODELS)
def test_beside_tools_it_is_a_call_or_the_object(client: openai.OpenAI, model: str) -> None:
    form: Any = ANY
    messages = asked("Use get_weather for Paris.")
    called = client.chat.completions.create(model=model, messages=messages, tools=[TOOL], response_format=form).choices[
        0
    ]
    assert called.finish_reason == "tool_calls"
    assert called.message.tool_calls
    messages += [
        called.message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}),
        {"role": "tool", "tool_call_id": called.message.tool_calls[0].id, "content": "21 degrees"},
    ]
    told = client.chat.completions.create(model=model, messages=messages, tools=[TOOL], response_format=form).choices[0]
    assert told.finish_reason == "stop"
    assert isinstance(json.loads(told.message.content or ""), dict)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_several_answers(client: openai.OpenAI, model: str, stream: bool) -> None:
    found: Any = client.chat.completions.create(
        model=model, messages=asked("Say exactly: hello"), n=3, stream=stream, max_tokens=200
    )
    texts = gathered(found) if stream else {choice.index: choice.message.content for choice in found.choices}
    assert sorted(texts) == [0, 1, 2]
    assert all("hello" in text for text in texts.values())


@pytest.mark.parametrize("model", MODELS)
def test_several_objects(client: openai.OpenAI, model: str) -> None:
    found = client.chat.completions.parse(model=model, messages=asked("Paris"), response_format=Weather, n=2)
    assert [isinstance(choice.message.parsed, Weather) for choice in found.choices] == [True, True]
