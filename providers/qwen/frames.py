"""The frames of Qwen's stream before their deltas are read: which are whole, which bring words, which end silently."""

from collections.abc import Mapping
from typing import Any, Final

from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, mapping, text
from providers.qwen.errors import is_check_page

ANSWERS: Final = frozenset({"answer", "ReportGeneration", "slides"})
"""Phases of the answer's words."""
DONE: Final = b"[DONE]"


def is_whole(payload: bytes) -> bool:
    """Whether the last piece of a stream, whose end is not marked, is all there."""
    return payload.strip() == DONE or loads(payload, EVENT_VALUES) is not INVALID or is_check_page(payload)


def ends_silently(frame: Mapping[str, Any]) -> bool:
    """Whether a frame ends an answer without a word in it."""
    choices = frame.get("choices")
    delta = mapping(mapping(choices[0]).get("delta")) if isinstance(choices, list) and choices else {}
    return delta.get("status") == "finished" and delta.get("phase") in ("answer", None, "") and not delta.get("content")


def kinds_of(choices: Any) -> tuple[bool, bool]:
    """Whether a frame's choices bring answer text, and whether they bring any."""
    delta = mapping(mapping(choices[0]).get("delta")) if isinstance(choices, list) and choices else {}
    said = bool(text(delta.get("content")))
    phase = named(delta.get("phase"))
    return said and (phase in ANSWERS or not phase), said or bool(mapping(delta.get("extra")))


def named(value: Any) -> str:
    """A phase or status; what is no word is one that nobody knows."""
    return value if isinstance(value, str) else "that is no word" if value else ""
