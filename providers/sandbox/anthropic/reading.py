"""A Messages body as the model behind the stand-in is shown it. Pure."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from providers.sandbox.models.files import described
from providers.sandbox.models.folded import DIRECTIVE, unfolded
from providers.sandbox.models.shown import Shown, Tool, ToolCall, ToolResult, Turn


def read_body(body: Mapping[str, Any]) -> Shown:
    """The conversation with its tools and the form that the answer must have."""
    choice = body.get("tool_choice") or {}
    kind = str(choice.get("type", "auto"))
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    turns = [turn for message in body["messages"] for turn in _turns(message)]
    system = "\n".join(_text(block) for block in blocks_of(body.get("system")))
    shown = Shown(
        turns=(*([Turn("system", system)] if system else []), *turns),
        tools=tuple(_tools(body)),
        choice={"any": "required", "tool": str(choice.get("name"))}.get(kind, kind),
        parallel=choice.get("disable_parallel_tool_use") is not True,
        schema=form.get("schema"),
    )
    return unfolded(shown)  # an object without a schema has no field in this form: it is asked for in words


def newest_words(body: Mapping[str, Any]) -> str:
    """The person's newest words, where a directive may stand; nothing when results of tools came after them.

    A message of the role system behind them is the client's, not the person's.
    """
    spoken = [message for message in body["messages"] if message.get("role") != "system"]
    blocks = blocks_of(spoken[-1].get("content")) if spoken else []
    if any(block.get("type") == "tool_result" for block in blocks):
        return ""
    return next((text for block in reversed(blocks) if (text := _text(block).strip())), "")


def searches(body: Mapping[str, Any]) -> bool:
    """Whether the API's own web search is among the tools."""
    return any(str(tool.get("type")).startswith("web_search_") for tool in body.get("tools") or ())


def blocks_of(content: Any) -> list[Mapping[str, Any]]:
    """Content as blocks: a string is one of text."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _tools(body: Mapping[str, Any]) -> Iterator[Tool]:
    """The client's tools; one that is deferred is shown once a result refers to it."""
    named = {
        part.get("tool_name")
        for message in body["messages"]
        for block in blocks_of(message.get("content"))
        if block.get("type") == "tool_result"
        for part in blocks_of(block.get("content"))
    }
    for tool in body.get("tools") or ():
        if "input_schema" in tool and (not tool.get("defer_loading") or tool["name"] in named):
            yield Tool(tool["name"], str(tool.get("description") or ""), tool["input_schema"])


def _turns(message: Mapping[str, Any]) -> Iterator[Turn]:
    """One message: results of tools first, then what was said."""
    blocks = blocks_of(message.get("content"))
    results = [
        ToolResult("\n".join(_result(block)), id=str(block.get("tool_use_id")))
        for block in blocks
        if block.get("type") == "tool_result"
    ]
    if results:
        yield Turn("tool", results=results)
    *before, text = [text for block in blocks if (text := _text(block))] or [""]
    for told in before:  # often put there by a client, not said by the person
        yield Turn(str(message.get("role")), DIRECTIVE.sub("", told).strip())
    calls = [
        ToolCall(block["name"], block["input"], block["id"]) for block in blocks if block.get("type") == "tool_use"
    ]
    files = [_shown(block) for block in blocks if block.get("type") in ("image", "document")]
    if text or calls or files or not results:
        yield Turn(str(message.get("role")), DIRECTIVE.sub("", text).strip(), calls, files=files)


def _result(block: Mapping[str, Any]) -> Iterator[str]:
    if block.get("is_error"):
        yield "error:"
    for part in blocks_of(block.get("content")):
        if part.get("type") in ("image", "document"):
            yield _shown(part)
        elif part.get("type") == "tool_reference":
            yield f"tool {part.get('tool_name')} is loaded"
        else:
            yield _text(part)


def _text(block: Mapping[str, Any]) -> str:
    return str(block["text"]) if block.get("type") == "text" else ""


def _shown(block: Mapping[str, Any]) -> str:
    source = block.get("source") or {}
    name = str(block.get("title") or "")
    if source.get("type") == "text":
        return described(str(source.get("data")).encode(), name)
    if source.get("type") != "base64":
        return f"{block.get('type')} {name or source.get('url') or source.get('file_id')}"
    try:
        return described(base64.b64decode(str(source.get("data") or ""), validate=True), name)
    except binascii.Error:
        return f"{block.get('type')} {name}".strip()
