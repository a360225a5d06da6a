"""Qwen's answers in one piece, without a stream: where the message stands, and its words (a public reader of 2026-10).

{"choices": [{"message": {...}}]}      and the same, a message, a list of them or a text `content` under `data`
"""

from collections.abc import Mapping
from typing import Any

from providers.formats.jsontext import mapping, text


def whole_message(data: Any) -> Mapping[str, Any] | None:
    """The message of an answer that stands whole under `data`; None when there is none."""
    found = mapping(data)
    choices, messages = found.get("choices"), found.get("messages")
    if isinstance(choices, list) and choices and isinstance(message := mapping(choices[0]).get("message"), dict):
        return message
    if isinstance(messages, list):
        told = [one for one in map(mapping, messages) if one.get("role") == "assistant"]
        return told[-1] if told else None
    if isinstance(message := found.get("message"), dict):
        return message
    return found if isinstance(found.get("content"), str | list) else None


def whole_reason(data: Any) -> Any:
    """The reason why that answer ended, where it says so: beside the message, or above it."""
    found = mapping(data)
    choices = found.get("choices")
    choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    return choice.get("finish_reason") or found.get("finish_reason")


def text_of(content: Any) -> str:
    """A message's words: a text, or the texts of a list of parts."""
    if not isinstance(content, list):
        return text(content)
    return "".join(part if isinstance(part, str) else text(mapping(part).get("text")) for part in content)
