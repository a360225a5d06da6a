"""What a script of a client is told, and how it says what came of it. Standard library: every client's Python runs it.

    python langchain_agent.py BASE_URL MODEL…        the key stands in SUITE_KEY

One JSON line a case goes to stdout: {"model", "task", "mode", "passed", "detail"}. The task is `tool` or `structured`,
with the way of it behind a colon where a client has several; the mode is `stream` or `whole`.
"""

import asyncio
import inspect
import json
import os
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping

Case = Callable[[str], None] | Callable[[str], Awaitable[None]]

BASE_URL = sys.argv[1]
KEY = os.environ["SUITE_KEY"]
CITY = "Lisbon"
WEATHER = f"What is the weather in {CITY}? Use get_weather, then tell me exactly what it said."
DESCRIBE = f"Describe a city. The name is {CITY}, the country is Portugal, the population is 545796."


class Weather:
    """A tool whose answer nobody can guess: the text that follows must have it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.word = f"fog-{secrets.token_hex(4)}"

    def get(self, city: str) -> str:
        self.asked.append(city)
        return f"{city}: 17 degrees, {self.word}."

    def check(self, text: str) -> None:
        """That it was called once, rightly, and that its answer came back to the model."""
        assert self.asked == [CITY], f"the tool was called with {self.asked}"
        assert self.word in text, f"the answer has not what the tool said: {text!r}"


def check_city(name: object, country: object, population: object) -> None:
    assert name == CITY, f"name is {name!r}"
    assert isinstance(country, str), f"country is {country!r}"
    assert country, "country is empty"
    assert isinstance(population, int), f"population is {population!r}"


def main(cases: Mapping[tuple[str, str], Case]) -> None:
    """Runs every case with every model; a case that raises has failed."""
    for model in sys.argv[2:]:
        for (task, mode), case in cases.items():
            passed, detail = True, ""
            try:
                done = case(model)
                if inspect.isawaitable(done):
                    asyncio.run(_awaited(done))
            except Exception as error:
                passed, detail = False, f"{type(error).__name__}: {error}"[:600]
                traceback.print_exc()
            line = {"model": model, "task": task, "mode": mode, "passed": passed, "detail": detail}
            print(json.dumps(line), flush=True)


async def _awaited(done: Awaitable[None]) -> None:
    await done
