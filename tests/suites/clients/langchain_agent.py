"""LangChain: an agent of create_agent with a tool, and with_structured_output, of ChatOpenAI in both of its forms."""

from functools import partial

from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from report import BASE_URL, DESCRIBE, KEY, WEATHER, Case, Weather, check_city, main

_KEYS = 'Answer in JSON with the keys "name", "country" and "population".'


class City(BaseModel):
    """A city."""

    name: str
    country: str
    population: int


def model_of(name: str, *, streaming: bool, responses: bool = False) -> ChatOpenAI:
    return ChatOpenAI(
        model=name,
        base_url=BASE_URL,
        api_key=KEY,
        streaming=streaming,
        max_retries=0,
        timeout=60,
        use_responses_api=responses,
    )


def agent_of(name: str, weather: Weather, *, streaming: bool, responses: bool = False):
    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return weather.get(city)

    return create_agent(model_of(name, streaming=streaming, responses=responses), [get_weather])


def tool_whole(name: str, *, responses: bool = False) -> None:
    weather = Weather()
    done = agent_of(name, weather, streaming=False, responses=responses).invoke({"messages": [("user", WEATHER)]})
    weather.check(done["messages"][-1].text)


def tool_stream(name: str, *, responses: bool = False) -> None:
    weather = Weather()
    agent = agent_of(name, weather, streaming=True, responses=responses)
    text = ""
    for chunk, _ in agent.stream({"messages": [("user", WEATHER)]}, stream_mode="messages"):
        if isinstance(chunk, AIMessageChunk):
            text += chunk.text
    weather.check(text)


def structured(method: str, *, stream: bool, responses: bool = False) -> Case:
    def case(name: str) -> None:
        asked = model_of(name, streaming=stream, responses=responses).with_structured_output(City, method=method)
        words = (
            f'{DESCRIBE} Answer in JSON with the keys "name", "country" and "population".'
            if method == "json_mode"
            else DESCRIBE
        )
        city = list(asked.stream(words))[-1] if stream else asked.invoke(words)
        check_city(city.name, city.country, city.population)

    return case


main(
    {
        ("tool", "whole"): tool_whole,
        ("tool", "stream"): tool_stream,
        ("tool:responses", "whole"): partial(tool_whole, responses=True),
        ("tool:responses", "stream"): partial(tool_stream, responses=True),
        **{
            ("structured:responses", mode): structured("json_schema", stream=mode == "stream", responses=True)
            for mode in ("whole", "stream")
        },
        **{
            (f"structured:{method}", mode): structured(method, stream=mode == "stream")
            for method in ("json_schema", "function_calling", "json_mode")
            for mode in ("whole", "stream")
        },
    }
)
