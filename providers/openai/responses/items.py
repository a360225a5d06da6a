"""The messages of a chat as input items of a response."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.contract.chat import AttachedPart, ImagePart, Message, OtherPart, Part, TextPart, ToolCall
from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import mapping, text

_FILE_FIELDS: Final = ("file_id", "file_data", "file_url", "filename")


def items_of(messages: tuple[Message, ...], *, developer_role: bool) -> list[dict[str, Any]]:
    """The items, in order. Raises ProviderError(BAD_REQUEST) for a part that no item can hold.

    What a model thought before is left out: an API takes it back in its own sealed form alone.
    """
    custom = {call.id for message in messages for call in message.tool_calls if _custom(call) is not None}
    return [item for message in messages for item in _items(message, custom, developer_role=developer_role)]


def _items(message: Message, custom: set[str], *, developer_role: bool) -> Iterator[dict[str, Any]]:
    match message.role:
        case "tool" | "function":
            call_id = message.tool_call_id or message.name or ""
            kind = "custom_tool_call_output" if call_id in custom else "function_call_output"
            yield {"type": kind, "call_id": call_id, "output": _content(message.content) or ""}
        case "assistant":
            if said := message.text() or text(message.extra.get("refusal")):
                yield {"role": "assistant", "content": said}
            for call in message.tool_calls:
                yield _call(call)
            if legacy := mapping(message.extra.get("function_call")):
                name = text(legacy.get("name"))
                yield _call(ToolCall(name, name, text(legacy.get("arguments"))))
        case role:
            named = "system" if role == "developer" and not developer_role else role
            yield {"role": named, "content": _content(message.content) or ""}


def _call(call: ToolCall) -> dict[str, Any]:
    custom = _custom(call)
    if custom is not None:
        name, said = text(custom.get("name")) or call.name, text(custom.get("input"))
        return {"type": "custom_tool_call", "call_id": call.id, "name": name, "input": said}
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _custom(call: ToolCall) -> Mapping[str, Any] | None:
    """What a call of a custom tool holds; None for a function's."""
    return mapping(call.extra.get("custom")) if call.kind == "custom" else None


def _content(content: str | tuple[Part, ...] | None) -> str | list[dict[str, Any]] | None:
    if content is None or isinstance(content, str):
        return content
    return [_part(part) for part in content]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "input_text", "text": part.text}
        case ImagePart():
            return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}
        case AttachedPart():  # of a web session: nothing is uploaded for an API
            return {"type": "input_text", "text": f"({part.kind}: {part.name})"}
        case OtherPart(kind="file"):
            told = mapping(part.data.get("file"))
            return {"type": "input_file", **{name: told[name] for name in _FILE_FIELDS if name in told}}
        case OtherPart(kind="refusal"):
            return {"type": "input_text", "text": text(part.data.get("refusal"))}
        case OtherPart(kind=kind):
            message = f"A part of type {kind[:40]!r} cannot be said to this API by /responses."
            raise ProviderError(ErrorKind.BAD_REQUEST, message, param="messages")
