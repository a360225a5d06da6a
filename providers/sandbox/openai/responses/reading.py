"""The items of a Responses input as the model behind the stand-in is shown them. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from providers.sandbox.models.files import described, of_data_url
from providers.sandbox.models.folded import DIRECTIVE
from providers.sandbox.models.shown import Shown, Tool, ToolCall, ToolResult, Turn

INSIDE: Final = "__"
"""Between a namespace and the name of a tool in it, as the model knows it."""
_WORDS: Final = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
"""A custom tool takes words."""


def read_items(body: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Shown:
    """The conversation with its tools and the form that the answer must have."""
    form = (body.get("text") or {}).get("format") or {}
    instructions = body.get("instructions")
    head = [Turn("system", instructions)] if instructions else []
    return Shown(
        turns=(*head, *(turn for item in items for turn in _turns(item))),
        tools=tuple(tool for given in body.get("tools") or () for tool in _tools(given)),
        choice=_choice(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        schema={"json_schema": form.get("schema"), "json_object": {}}.get(str(form.get("type"))),
    )


def newest_words(items: Sequence[Mapping[str, Any]]) -> str:
    """The newest item's words, where it is a message; thoughts behind it are of an answer that broke off."""
    newest = next((item for item in reversed(items) if item["type"] != "reasoning"), {"type": ""})
    return _text(newest["content"]) if newest["type"] == "message" else ""


def _choice(choice: Any) -> str:
    if isinstance(choice, Mapping):
        return str(choice.get("name") or choice.get("mode") or "required")
    return choice or "auto"


def _tools(tool: Mapping[str, Any]) -> Iterator[Tool]:
    about = str(tool.get("description") or "")
    match tool["type"]:
        case "function":
            yield Tool(tool["name"], about, tool.get("parameters") or {})
        case "custom":
            yield Tool(tool["name"], about, _WORDS)
        case "namespace":
            for inner in tool.get("tools") or ():
                for one in _tools(inner):
                    yield Tool(f"{tool['name']}{INSIDE}{one.name}", one.description, one.parameters)


def _turns(item: Mapping[str, Any]) -> Iterator[Turn]:
    match item["type"]:
        case "message":
            role = "system" if item["role"] == "developer" else item["role"]
            text = DIRECTIVE.sub("", _text(item["content"])).strip()
            yield Turn(role, text, files=list(_files(item["content"])))
        case "function_call":
            name = f"{item['namespace']}{INSIDE}{item['name']}" if item.get("namespace") else item["name"]
            yield Turn("assistant", calls=[ToolCall(name, _arguments(item["arguments"]), item["call_id"])])
        case "custom_tool_call":
            yield Turn("assistant", calls=[ToolCall(item["name"], {"input": item["input"]}, item["call_id"])])
        case "function_call_output" | "custom_tool_call_output":
            told = [_text(item["output"]), *_files(item["output"])]
            result = ToolResult("\n".join(part for part in told if part), id=item["call_id"])
            yield Turn("tool", results=[result])


def _arguments(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text") or part.get("refusal") or "") for part in content).strip("\n")


def _files(content: Any) -> Iterator[str]:
    for part in content if isinstance(content, list) else ():
        if part.get("type") not in ("input_image", "input_file"):
            continue
        address = str(part.get("image_url") or part.get("file_data") or part.get("file_url") or "")
        data = of_data_url(address)
        name = str(part.get("filename") or "")
        yield described(data, name) if data is not None else f"{part['type']} {name or address or part.get('file_id')}"
