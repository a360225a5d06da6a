"""Reader of a message's `content`, in any shape an API gives it: text, thinking, pictures, calls, others."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from providers.formats.jsontext import mapping, text

_TEXTS: Final = frozenset({"", "text", "output_text", "input_text", "text_delta", "message", "markdown"})
_TEXT_PLACES: Final = ("text", "content", "value", "markdown", "output_text")
_AROUND_TEXT: Final = frozenset({"role", "parts", "annotations", "id", "index", *_TEXT_PLACES})
"""An object without a type that has no other fields is a text."""
_THOUGHTS: Final = frozenset(
    {"thinking", "reasoning", "reasoning_text", "reasoning_content", "summary_text", "thinking_delta"}
)
_THOUGHT_PLACES: Final = ("thinking", "reasoning", "text", "summary", "content")
_PARTS_LIMIT: Final = 10_000
_DEPTH_LIMIT: Final = 8


@dataclass(frozen=True, slots=True)
class ContentPiece:
    """One piece of content; exactly one field is filled. `other`: a part of a kind that has no event."""

    text: str = ""
    thought: str = ""
    picture: str = ""
    refusal: str = ""
    call: dict[str, Any] = field(default_factory=dict)
    other: Any = None


def pieces(content: Any, depth: int = 0) -> Iterator[ContentPiece]:
    """The pieces of content that is no plain text."""
    if isinstance(content, str):
        if content:
            yield ContentPiece(text=content)
    elif isinstance(content, list) and depth < _DEPTH_LIMIT:
        for part in content[:_PARTS_LIMIT]:
            yield from pieces(part, depth + 1)
    elif isinstance(content, dict):
        if not depth and "type" not in content and not content.keys() <= _AROUND_TEXT:
            yield ContentPiece(text=json.dumps(content, ensure_ascii=False))  # in JSON mode: the object itself
        else:
            yield from _part(content, depth)
    elif isinstance(content, bool | int | float) and not depth:
        yield ContentPiece(text=json.dumps(content))
    elif content is not None:
        yield ContentPiece(other=content)


def thoughts(value: Any, depth: int = 0) -> str:
    """Reasoning as a text, a list of texts or text parts (Mistral), or an object around one of them."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(thoughts(entry, depth + 1) for entry in value[:_PARTS_LIMIT]) if depth < _DEPTH_LIMIT else ""
    found = mapping(value)
    return next((said for name in ("text", "content", "thinking", "summary") if (said := text(found.get(name)))), "")


def _part(part: dict[str, Any], depth: int) -> Iterator[ContentPiece]:
    kind = text(part.get("type")).lower()
    if kind in _THOUGHTS:
        told = next((said for name in _THOUGHT_PLACES if (said := thoughts(part.get(name)))), "")
        if told:
            yield ContentPiece(thought=told)
        elif len(part) > 2:  # a signature, or thinking that is encrypted
            yield ContentPiece(other=part)
    elif kind in _TEXTS and (said := _text(part)):
        yield ContentPiece(text=said)
    elif kind in _TEXTS and (inner := _inner(part)) is not None and depth < _DEPTH_LIMIT:
        yield from pieces(inner, depth + 1)
    elif kind in _TEXTS and any(isinstance(part.get(name), str) for name in _TEXT_PLACES):
        return  # an empty text
    elif kind == "refusal" and (said := text(part.get("refusal"))):
        yield ContentPiece(refusal=said)
    elif kind in ("tool_use", "tool_call", "function_call") and text(part.get("name")):
        yield ContentPiece(call=part)
    elif kind == "image_url" and (url := _url(part.get("image_url"))):
        yield ContentPiece(picture=url)
    else:
        yield ContentPiece(other=part)


def _text(part: dict[str, Any]) -> str:
    return next((said for name in _TEXT_PLACES if (said := text(part.get(name)))), "")


def _inner(part: dict[str, Any]) -> list[Any] | dict[str, Any] | None:
    """Parts inside of a part."""
    found = (part.get(name) for name in ("parts", *_TEXT_PLACES))
    return next((inner for inner in found if isinstance(inner, list | dict) and inner), None)


def _url(value: Any) -> str:
    return text(value) or text(mapping(value).get("url"))
