"""The OpenAI Agents SDK in its Responses and chat modes: an agent with a function tool, one with an output type."""

from functools import partial

from agents import (
    Agent,
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel
from report import BASE_URL, DESCRIBE, KEY, WEATHER, Weather, check_city, main

set_tracing_disabled(True)
_APIS = {"responses": OpenAIResponsesModel, "chat": OpenAIChatCompletionsModel}


class City(BaseModel):
    """A city."""

    name: str
    country: str
    population: int


def model_of(name: str, api: str) -> Model:
    client = AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=60)
    return _APIS[api](model=name, openai_client=client)


def agent_of(name: str, api: str, weather: Weather) -> Agent:
    @function_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return weather.get(city)

    return Agent(
        name="Forecaster",
        instructions="You tell the weather.",
        model=model_of(name, api),
        tools=[get_weather],
        model_settings=ModelSettings(include_usage=True),
    )


async def run(agent: Agent, words: str, *, stream: bool):
    if not stream:
        return (await Runner.run(agent, words)).final_output
    running = Runner.run_streamed(agent, words)
    seen = [event async for event in running.stream_events()]
    assert any(event.type == "raw_response_event" for event in seen), "nothing was streamed"
    return running.final_output


async def tool(name: str, api: str, *, stream: bool) -> None:
    weather = Weather()
    weather.check(await run(agent_of(name, api, weather), WEATHER, stream=stream))


async def structured(name: str, api: str, *, stream: bool) -> None:
    agent = Agent(name="Geographer", instructions="You know cities.", model=model_of(name, api), output_type=City)
    city = await run(agent, DESCRIBE, stream=stream)
    check_city(city.name, city.country, city.population)


main(
    {
        (f"{task}:{api}", "stream" if stream else "whole"): partial(run_it, api=api, stream=stream)
        for task, run_it in (("tool", tool), ("structured", structured))
        for api in _APIS
        for stream in (False, True)
    }
)
