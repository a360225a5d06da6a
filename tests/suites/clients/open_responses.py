"""The seven cases of Open Responses' compliance suite, in words of our own, judged by the types of its specification.

The suite itself is in no package registry; openresponses-types, which is generated from the specification, is.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import openresponses_types as spec
from pydantic import TypeAdapter
from report import BASE_URL, KEY, main

_EVENTS = {
    str(next(iter(model.model_fields["type"].annotation))): model
    for name, model in vars(spec).items()
    if name.endswith("StreamingEvent") and name.startswith("Response")
}
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
_PICTURE = f"data:image/png;base64,{_PIXEL}"
_WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}


def of(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def user(words: str) -> dict[str, Any]:
    return of("user", words)


def ask(name: str, items: list[Any], *, stream: bool = False, **more: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The response by its type, and the events of its stream, each by its own."""
    body = {"model": name, "input": items, "stream": stream, **more}
    answer = httpx.post(f"{BASE_URL}/responses", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    if not stream:
        return spec.ResponseResource.model_validate(answer.json()), []
    events = list(_events(answer.text))
    assert events, "nothing was streamed"
    for event in events:
        TypeAdapter(_EVENTS[event["type"]]).validate_python(event)
    return spec.ResponseResource.model_validate(events[-1]["response"]), events


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if line.startswith("data:") and line[5:].strip() != "[DONE]":
            yield json.loads(line[5:])


def answered(name: str, items: list[Any], *, stream: bool = False, says: str = "") -> None:
    response, _ = ask(name, items, stream=stream)
    assert str(getattr(response.status, "value", response.status)) == "completed", response.status
    assert response.output, "no output"
    assert says in response.model_dump_json(), f"{says!r} was not said"


def called(name: str, *, stream: bool) -> None:
    items = [user("What's the weather like in San Francisco?")]
    response, events = ask(name, items, stream=stream, tools=[_WEATHER])
    told = json.loads(response.model_dump_json())
    assert "function_call" in [item["type"] for item in told["output"]], told["output"]
    if stream:
        kinds = {event["type"] for event in events}
        items_told = [event["item"]["type"] for event in events if event["type"].startswith("response.output_item.")]
        assert items_told.count("function_call") == 2
        assert {f"response.function_call_arguments.{end}" for end in ("delta", "done")} <= kinds


_SEEN = [{"type": "input_text", "text": "What do you see?"}, {"type": "input_image", "image_url": _PICTURE}]
_TOLD = [user("My name is Alice."), of("assistant", "Hello Alice! Nice to meet you."), user("What is my name?")]
_PIRATE = [of("system", "You are a pirate. Always respond in pirate speak."), user("Say hello.")]

main(
    {
        ("basic-response", "whole"): partial(answered, items=[user("Say hello in exactly 3 words.")]),
        ("streaming-response", "stream"): partial(answered, items=[user("Count from 1 to 5.")], stream=True),
        ("system-prompt", "whole"): partial(answered, items=_PIRATE),
        ("tool-calling", "whole"): partial(called, stream=False),
        ("tool-calling-streaming", "stream"): partial(called, stream=True),
        ("image-input", "whole"): partial(answered, items=[of("user", _SEEN)]),
        ("multi-turn", "whole"): partial(answered, items=_TOLD, says="Alice"),
    }
)
