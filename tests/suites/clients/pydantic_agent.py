"""pydantic-ai: an agent with a tool, and its three ways to a structured answer (tool, native, prompted)."""

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from report import BASE_URL, DESCRIBE, KEY, WEATHER, Case, Weather, check_city, main


class City(BaseModel):
    """A city."""

    name: str
    country: str
    population: int


def model_of(name: str) -> OpenAIChatModel:
    return OpenAIChatModel(name, provider=OpenAIProvider(base_url=BASE_URL, api_key=KEY))


def agent_of(name: str, weather: Weather) -> Agent:
    agent = Agent(model_of(name))

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return weather.get(city)

    return agent


async def tool_whole(name: str) -> None:
    weather = Weather()
    done = await agent_of(name, weather).run(WEATHER)
    weather.check(done.output)


async def tool_stream(name: str) -> None:
    weather = Weather()
    async with agent_of(name, weather).run_stream(WEATHER) as run:
        weather.check(await run.get_output())


def structured(way, *, stream: bool) -> Case:
    async def case(name: str) -> None:
        agent = Agent(model_of(name), output_type=way(City), retries=0)
        if stream:
            async with agent.run_stream(DESCRIBE) as run:
                city = [part async for part in run.stream_output(debounce_by=None)][-1]
        else:
            city = (await agent.run(DESCRIBE)).output
        check_city(city.name, city.country, city.population)

    return case


main(
    {
        ("tool", "whole"): tool_whole,
        ("tool", "stream"): tool_stream,
        **{
            (f"structured:{way}", mode): structured(kind, stream=mode == "stream")
            for way, kind in (("tool", ToolOutput), ("native", NativeOutput), ("prompted", PromptedOutput))
            for mode in ("whole", "stream")
        },
    }
)
