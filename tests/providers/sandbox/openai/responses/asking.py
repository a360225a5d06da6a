"""Requests to the Responses stand-in, without sockets."""

import json
from typing import Any

from providers.sandbox.openai.site import OpenAISite
from tests.support.asked import RecordedAnswer, ask

WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def post(site: OpenAISite, body: Any, path: str = "/v1/responses") -> RecordedAnswer:
    return ask(site, "POST", path, body, authorization=f"Bearer {site.key}")


def responses(directive: str = "", site: OpenAISite | None = None, **body: Any) -> RecordedAnswer:
    """The answer to one message with a directive behind it, its frames sent without a pause."""
    words = f"Hi\n!sandbox pace_ms=0 {directive}"
    return post(site or OpenAISite(), {"model": "sandbox-large", "input": words, **body})


def events(answer: RecordedAnswer) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
