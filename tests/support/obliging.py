"""An official API that does what it is asked, the same each time: for compatibility suites, which judge the answer.

Says the word it is told to say, calls the tools it must, fills in the schema it is given; streams word by word.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from providers.sandbox.server import Request, Site, Wire

MODEL: Final = "obliging"
_SAY: Final = re.compile(r"(?:exactly|with) ([A-Z_]+)")
_USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
_PACE_S: Final = 0.02


@dataclass
class Obliging(Site):
    name: str = "obliging"

    def session(self) -> dict[str, Any]:
        return {"api_key": "sk-obliging-0123456789"}

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.path == "/v1/models":
            await wire.respond(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "test"}]})
            return
        body = request.json()
        message = answer_to(body)
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish}
            await wire.respond(200, {**_head("chat.completion"), "choices": [choice], "usage": _USAGE})
            return
        await wire.begin()
        for delta in _deltas(message):
            await wire.send(_chunk([{"index": 0, "delta": delta, "finish_reason": None}]))
            await wire.pause(_PACE_S)
        await wire.send(_chunk([{"index": 0, "delta": {}, "finish_reason": finish}]))
        if (body.get("stream_options") or {}).get("include_usage"):
            await wire.send(_chunk([], usage=_USAGE))
        await wire.send(b"data: [DONE]\n\n")
        await wire.end()


def answer_to(body: dict[str, Any]) -> dict[str, Any]:
    """The assistant's message for a request."""
    last = body["messages"][-1]
    tools, choice = body.get("tools") or [], body.get("tool_choice")
    if isinstance(choice, dict):
        tools = [tool for tool in tools if tool["function"]["name"] == choice["function"]["name"]]
    if tools and last["role"] != "tool" and choice not in (None, "none", "auto"):
        return {"role": "assistant", "content": None, "tool_calls": [_call(tool["function"]) for tool in tools]}
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return _said(json.dumps(filled(form["json_schema"]["schema"])))
    if form.get("type") == "json_object":
        return _said('{"answer": "PONG"}')
    told = _SAY.search(str(last["content"]))
    return _said(f"Here you are: {told[1]}" if told else "That is done, as you asked.")


def filled(schema: dict[str, Any]) -> Any:
    """A value that a plain JSON schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: filled(inner) for name, inner in schema.get("properties", {}).items()}
    return {"integer": 1, "number": 1.5, "boolean": True, "array": [], "null": None}.get(schema.get("type", ""), "yes")


def _said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _call(function: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(filled(function["parameters"]))
    return {
        "id": f"call_{function['name']}",
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for word in (message["content"] or "").split(" "):
        yield {"content": f"{word} "}
    for index, call in enumerate(message.get("tool_calls") or []):
        function = call["function"]
        yield {"tool_calls": [{"index": index, **call, "function": {"name": function["name"], "arguments": ""}}]}
        middle = len(function["arguments"]) // 2
        for part in (function["arguments"][:middle], function["arguments"][middle:]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-obliging", "object": kind, "created": 1_700_000_000, "model": MODEL}


def _chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
    value = {**_head("chat.completion.chunk"), "choices": choices, **more}
    return b"data: " + json.dumps(value).encode() + b"\n\n"
