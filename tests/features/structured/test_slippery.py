"""The slips of models that were asked for JSON, the whole way: the slippery model behind the stand-ins."""

import json
from typing import Any, Final

import openai
import pytest

from providers.sandbox.models.slips import VALUE_SLIPS
from tests.support.sites import Sites

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
SCHEMA: Final = {"type": "object", "properties": {"name": TEXT, "age": WHOLE}, "required": ["name", "age"]}
FORM: Final[Any] = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
REPAIRED: Final = ("reasoning", "half", "invalid", "refuse")


def completions(sites: Sites) -> int:
    return sum(request.path.endswith("/completions") for request in sites.site("zai").requests)


@pytest.mark.parametrize("name", VALUE_SLIPS)
def test_the_json_is_found_or_asked_for_once_more(client: openai.OpenAI, sites: Sites, name: str) -> None:
    before = completions(sites)
    prompt = f"Jason is 25 years old\n!sandbox pace_ms=0 slip={name}"
    messages: Any = [{"role": "user", "content": prompt}]
    answer = client.chat.completions.create(model="GLM-4.6-Thinking", messages=messages, response_format=FORM)
    assert json.loads(answer.choices[0].message.content or "") == {"name": "Jason", "age": 25}
    assert completions(sites) - before == (2 if name in REPAIRED else 1)


def test_a_model_that_never_does_it_is_told_as_a_refusal(
    client: openai.OpenAI, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites.site("zai"), "slip", "refuse")
    messages: Any = [{"role": "user", "content": "Jason is 25 years old"}]
    answer = client.chat.completions.create(model="GLM-4.6", messages=messages, response_format=FORM)
    assert (answer.choices[0].message.content, bool(answer.choices[0].message.refusal)) == (None, True)
