"""LangChain: an agent of create_agent with a tool, and with_structured_output, of ChatOpenAI (chat completions)."""

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


def model_of(name: str, *, streaming: bool) -> ChatOpenAI:
    return ChatOpenAI(
        model=name,
        base_url=BASE_URL,
        api_key=KEY,
        streaming=streaming,
        max_retries=0,
        timeout=60,
        use_responses_api=False,
    )


def agent_of(name: str, weather: Weather, *, streaming: bool):
    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return weather.get(city)

    return create_agent(model_of(name, streaming=streaming), [get_weather])


def tool_whole(name: str) -> None:
    weather = Weather()
    done = agent_of(name, weather, streaming=False).invoke({"messages": [("user", WEATHER)]})
    weather.check(done["messages"][-1].text)


def tool_stream(name: str) -> None:
    weather = Weather()
    agent = agent_of(name, weather, streaming=True)
    text = ""
    for chunk, _ in agent.stream({"messages": [("user", WEATHER)]}, stream_mode="messages"):
        if isinstance(chunk, AIMessageChunk):
            text += chunk.text
    weather.check(text)


def structured(method: str, *, stream: bool) -> Case:
    def case(name: str) -> None:
        asked = model_of(name, streaming=stream).with_structured_output(City, method=method)
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
        **{
            (f"structured:{method}", mode): structured(method, stream=mode == "stream")
            for method in ("json_schema", "function_calling", "json_mode")
            for mode in ("whole", "stream")
        },
    }
)
