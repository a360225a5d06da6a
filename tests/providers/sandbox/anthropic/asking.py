"""Requests to the Messages stand-in, without sockets."""

import json
from typing import Any

from providers.sandbox.anthropic.site import AnthropicSite
from tests.support.asked import RecordedAnswer, ask

USER: dict[str, Any] = {"role": "user", "content": "Hi"}
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
BASE: dict[str, Any] = {"model": "claude-sandbox", "max_tokens": 1000, "messages": [USER]}


def post(site: AnthropicSite, body: Any, path: str = "/v1/messages", **headers: str) -> RecordedAnswer:
    head = {"x_api_key": site.key, "anthropic_version": "2023-06-01", "content_type": "application/json", **headers}
    return ask(site, "POST", path, body, **{name: value for name, value in head.items() if value})


def messages(directive: str = "", site: AnthropicSite | None = None, **body: Any) -> RecordedAnswer:
    """The answer to one message with a directive behind it, its frames sent without a pause."""
    words = {"role": "user", "content": f"Hi\n!sandbox pace_ms=0 {directive}"}
    return post(site or AnthropicSite(), {**BASE, "messages": [words], **body})


def events(answer: RecordedAnswer) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


def deltas(answer: RecordedAnswer, kind: str, field: str) -> str:
    """All deltas of a kind, joined."""
    found = [one["delta"] for one in events(answer) if one["type"] == "content_block_delta"]
    return "".join(delta[field] for delta in found if delta["type"] == kind)
