"""instructor: a model of pydantic filled in by each of its modes, whole and as a stream of partial ones.

Its tools are its structured answers (mode TOOLS): the task `tool` is that mode.
"""

import instructor
from openai import OpenAI
from pydantic import BaseModel
from report import BASE_URL, DESCRIBE, KEY, Case, check_city, main


class City(BaseModel):
    """A city."""

    name: str
    country: str
    population: int


def structured(mode: instructor.Mode, *, stream: bool) -> Case:
    def case(name: str) -> None:
        openai = OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=60)
        client = instructor.from_openai(openai, mode=mode)
        asked = {"model": name, "max_retries": 0, "messages": [{"role": "user", "content": DESCRIBE}]}
        if stream:
            city = list(client.chat.completions.create_partial(response_model=City, **asked))[-1]
        else:
            city = client.chat.completions.create(response_model=City, **asked)
        check_city(city.name, city.country, city.population)

    return case


def case_of(mode: str, way: str) -> tuple[tuple[str, str], Case]:
    return ("tool" if mode == "TOOLS" else f"structured:{mode}", way), structured(
        instructor.Mode[mode], stream=way == "stream"
    )


main(dict(case_of(mode, way) for mode in ("TOOLS", "JSON", "JSON_SCHEMA", "MD_JSON") for way in ("whole", "stream")))
