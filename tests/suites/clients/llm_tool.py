"""Simon Willison's `llm`, its Python side with a model of extra-openai-models.yaml: a tool and a schema.

LLM_USER_PATH is a folder of its own, which this script writes that file into.
"""

import json
import os
import sys
from pathlib import Path

FOLDER = Path(os.environ["LLM_USER_PATH"])
_MODEL = """- model_id: {name}
  model_name: {name}
  api_base: {base_url}
  api_key_name: gateway
  supports_tools: true
  supports_schema: true
"""
FOLDER.mkdir(parents=True, exist_ok=True)
(FOLDER / "extra-openai-models.yaml").write_text(
    "".join(_MODEL.format(name=name, base_url=sys.argv[1]) for name in sys.argv[2:]), encoding="utf-8"
)
(FOLDER / "keys.json").write_text(json.dumps({"gateway": os.environ["SUITE_KEY"]}), encoding="utf-8")

import llm  # noqa: E402
from pydantic import BaseModel  # noqa: E402
from report import DESCRIBE, WEATHER, Weather, check_city, main  # noqa: E402


class City(BaseModel):
    """A city."""

    name: str
    country: str
    population: int


def tool(name: str, *, stream: bool) -> None:
    weather = Weather()

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return weather.get(city)

    chain = llm.get_model(name).chain(WEATHER, tools=[get_weather], stream=stream)
    weather.check("".join(chain))


def structured(name: str, *, stream: bool) -> None:
    answer = llm.get_model(name).prompt(DESCRIBE, schema=City, stream=stream)
    city = City.model_validate_json(answer.text())
    check_city(city.name, city.country, city.population)


main(
    {
        ("tool", "whole"): lambda name: tool(name, stream=False),
        ("tool", "stream"): lambda name: tool(name, stream=True),
        ("structured", "whole"): lambda name: structured(name, stream=False),
        ("structured", "stream"): lambda name: structured(name, stream=True),
    }
)
