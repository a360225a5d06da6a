"""The OpenAI Agents SDK in its chat mode: an agent with a function tool, and one with an output type."""

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI
from pydantic import BaseModel
from report import BASE_URL, DESCRIBE, KEY, WEATHER, Weather, check_city, main

set_tracing_disabled(True)


class City(BaseModel):
    """A city."""

    name: str
    country: str
    population: int


def model_of(name: str) -> OpenAIChatCompletionsModel:
    client = AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=60)
    return OpenAIChatCompletionsModel(model=name, openai_client=client)


def agent_of(name: str, weather: Weather) -> Agent:
    @function_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return weather.get(city)

    return Agent(
        name="Forecaster",
        instructions="You tell the weather.",
        model=model_of(name),
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


async def tool(name: str, *, stream: bool) -> None:
    weather = Weather()
    weather.check(await run(agent_of(name, weather), WEATHER, stream=stream))


async def structured(name: str, *, stream: bool) -> None:
    agent = Agent(name="Geographer", instructions="You know cities.", model=model_of(name), output_type=City)
    city = await run(agent, DESCRIBE, stream=stream)
    check_city(city.name, city.country, city.population)


main(
    {
        ("tool", "whole"): lambda name: tool(name, stream=False),
        ("tool", "stream"): lambda name: tool(name, stream=True),
        ("structured", "whole"): lambda name: structured(name, stream=False),
        ("structured", "stream"): lambda name: structured(name, stream=True),
    }
)
