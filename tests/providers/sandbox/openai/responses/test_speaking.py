"""What the model behind the Responses endpoint says: kinds of tools, limits, variants, its own search."""

from typing import Any

from providers.sandbox.openai.site import OpenAISite
from tests.providers.sandbox.openai.responses.asking import WEATHER, post, responses


def output(words: str, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = post(OpenAISite(), {"model": "sandbox-large", "input": words, **body}).json["output"]
    return found


def test_a_call_is_of_the_kind_of_its_tool() -> None:
    custom = {"type": "custom", "name": "apply_patch", "description": "Patches"}
    (patched,) = output('Call the tool apply_patch with input "x y".', tools=[custom])
    assert (patched["type"], patched["name"], patched["input"]) == ("custom_tool_call", "apply_patch", "x y")
    space = {"type": "namespace", "name": "multi_agent_v1", "description": "x", "tools": [WEATHER]}
    (inside,) = output("What is the weather in Rome?", tools=[space])
    assert (inside["name"], inside["namespace"]) == ("get_weather", "multi_agent_v1")


def test_limits_and_variants() -> None:
    cut = responses("size=100", max_output_tokens=16).json
    assert cut["status"] == "completed"
    many = responses("text='" + "w " * 40 + "'", max_output_tokens=16).json
    assert (many["status"], len(many["output"][0]["content"][0]["text"].split())) == ("incomplete", 16)
    assert responses("variant=refusal").json["output"][0]["content"][0]["type"] == "refusal"
    announced = output("What is the weather in Rome?\n!sandbox variant=announced", tools=[WEATHER])
    assert [item["type"] for item in announced] == ["message", "function_call"]
    assert output("What is the weather in Rome?\n!sandbox variant=no_tool", tools=[WEATHER])[0]["type"] == "message"


def test_reasoning() -> None:
    assert responses("variant=reasoning").json["output"][0] == {
        "id": "rs_sandbox_1",
        "type": "reasoning",
        "summary": [],
    }
    summed = responses("reasoning=thought", reasoning={"summary": "auto"}).json["output"][0]
    assert summed["summary"] == [{"type": "summary_text", "text": "thought"}]
    assert responses(reasoning={"effort": "none"}).json["output"][0]["type"] == "message"


def test_its_own_search() -> None:
    found = output("Please search the web for news", tools=[{"type": "web_search"}])
    assert [item["type"] for item in found] == ["web_search_call", "message"]
    assert found[1]["content"][0]["annotations"][0]["type"] == "url_citation"
    closed = output("Please search the web", tools=[{"type": "web_search", "external_web_access": False}])
    assert [item["type"] for item in closed] == ["message"]


def test_a_form_is_filled() -> None:
    form = {
        "type": "json_schema",
        "name": "x",
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    (said,) = output("The city is Rome.", text={"format": form})
    assert said["content"][0]["text"] == '{"city": "Rome"}'
