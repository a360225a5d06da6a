"""The slips of models the whole way: the slippery model behind the stand-ins, read by the gateway."""

import json
from typing import Any, Final

import openai
import pytest

from providers.sandbox.models.slips import ANSWER_SLIPS, CALL_SLIPS, TEXT_SLIPS
from tests.features.tools.test_served import QUESTION, WEATHER, streamed, whole

PARIS: Final = ("get_weather", {"city": "Paris"})
NO_CALL: Final = ("announce", "half", "unknown", "wrong_mark")
TWO_CALLS: Final = ("glued_arguments", "twice")


def calls(client: openai.OpenAI, model: str, prompt: str, asked: Any) -> tuple[list[tuple[str, Any]], str]:
    message, reason = asked(client, model, [{"role": "user", "content": prompt}], tools=[WEATHER])
    found = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]
    assert reason == ("tool_calls" if found else "stop")
    assert bool(found) or message.content
    return found, message.content or ""


@pytest.mark.parametrize(("asked", "model"), [(whole, "qwen3.7-plus-thinking"), (streamed, "GLM-4.6-Thinking")])
@pytest.mark.parametrize("name", [*CALL_SLIPS, *ANSWER_SLIPS])
def test_calls_are_read_in_every_form_that_models_fall_into(
    client: openai.OpenAI, name: str, asked: Any, model: str
) -> None:
    found, words = calls(client, model, f"{QUESTION}\n!sandbox pace_ms=0 slip={name}", asked)
    if name == "invalid":
        assert found == [("get_weather", {"unexpected": True})], "a right form is the client's, whatever is in it"
    else:
        assert found == [] if name in NO_CALL else [PARIS] * (2 if name in TWO_CALLS else 1)
    assert bool(words) == (name in ("around", *NO_CALL)), "nothing of a call leaks, nothing of the words is lost"


@pytest.mark.parametrize("asked", [whole, streamed])
@pytest.mark.parametrize("model", ["LongCat-Thinking", "MBZUAI-IFM/K2-Think", "GLM-4.6-Thinking"])
def test_a_call_in_the_thinking_alone_is_the_answer_of_every_site(
    client: openai.OpenAI, model: str, asked: Any
) -> None:
    found, words = calls(client, model, f"{QUESTION}\n!sandbox pace_ms=0 slip=reasoning", asked)
    assert (found, words) == ([PARIS], "")


@pytest.mark.parametrize("name", TEXT_SLIPS)
def test_what_only_looks_like_a_call_is_text(client: openai.OpenAI, name: str) -> None:
    question = 'Explain this, please: {"name": "get_weather", "arguments": {"city": "Paris"}}. Do not call any tool.'
    found, words = calls(client, "GLM-4.6", f"{question}\n!sandbox pace_ms=0 slip={name}", whole)
    assert (found, bool(words)) == ([], True)
