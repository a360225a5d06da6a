"""A chat body of the OpenAI form as the model behind an official API is shown it. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from providers.sandbox.models.files import described, of_data_url
from providers.sandbox.models.folded import DIRECTIVE
from providers.sandbox.models.shown import Shown, Tool, ToolCall, ToolResult, Turn


def read_body(body: Mapping[str, Any]) -> Shown:
    """The conversation with its tools and the form that the answer must have."""
    return Shown(
        turns=tuple(_turn(message) for message in body.get("messages") or () if isinstance(message, Mapping)),
        tools=tuple(_tools(body)),
        choice=_choice(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body.get("response_format")),
    )


def _tools(body: Mapping[str, Any]) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        function = tool["function"]
        yield Tool(function["name"], str(function.get("description") or ""), function.get("parameters") or {})


def _choice(choice: Any) -> str:
    if isinstance(choice, Mapping):
        function = choice.get("function")
        return str(function.get("name")) if isinstance(function, Mapping) else "required"
    return choice if isinstance(choice, str) else "auto"


def _schema(form: Any) -> Mapping[str, Any] | None:
    if not isinstance(form, Mapping) or form.get("type") not in ("json_schema", "json_object"):
        return None
    inner = form.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    return schema if isinstance(schema, Mapping) else {}


def _turn(message: Mapping[str, Any]) -> Turn:
    role, text = str(message.get("role")), DIRECTIVE.sub("", text_of(message)).strip()
    if role in ("tool", "function"):
        result = ToolResult(text, str(message.get("name") or ""), str(message.get("tool_call_id") or ""))
        return Turn("tool", results=(result,))
    calls = tuple(_call(call) for call in message.get("tool_calls") or () if isinstance(call, Mapping))
    return Turn("system" if role == "developer" else role, text, calls, files=tuple(_files(message)))


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = call.get("function")
    named: Mapping[str, Any] = function if isinstance(function, Mapping) else {}
    try:
        arguments = json.loads(str(named.get("arguments")))
    except ValueError:
        arguments = {}
    fields = arguments if isinstance(arguments, dict) else {}
    return ToolCall(str(named.get("name")), fields, str(call.get("id") or ""))


def text_of(message: Any) -> str:
    """The words of a message; of parts those that are text."""
    content = message.get("content") if isinstance(message, Mapping) else ""
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, Mapping) and part.get("text"))
    return content if isinstance(content, str) else ""


def _files(message: Mapping[str, Any]) -> Iterator[str]:
    """What the parts beside the text show."""
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, Mapping) else None
        inner = part.get(kind) if isinstance(kind, str) else None
        if not isinstance(inner, Mapping):
            continue
        address = str(inner.get("url") or inner.get("file_data") or "")
        data = of_data_url(address)
        name = str(inner.get("filename") or "")
        if data is not None:
            yield described(data, name)
        elif kind != "text":
            yield f"{kind} {name or address}".strip()
