"""What each chunk of a stream of OpenAI's form says, in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from addons.dialects.transcript import as_text, one_line
from providers.formats.jsontext import mapping

_WORDS: Final = 400
_UNREAD: Final = 2000
_NAMES: Final = {"reasoning_content": "reasoning", "reasoning": "reasoning", "text": "text"}
_IN_HEAD: Final = ("model", "id")
"""Fields of every chunk that stand above the table; a row names one only where it has changed."""
_READ: Final = frozenset({"choices", "error", "usage", "created", "object"})
"""Fields of a chunk that a row tells in other words, or not."""


@dataclass(slots=True)
class ChunkReader:
    """Tells what each chunk of a stream of OpenAI's form adds."""

    told: dict[str, Any] = field(default_factory=dict)
    """Fields beside the choices, which most chunks repeat."""
    head: list[str] = field(default_factory=list)

    def words(self, frame: Mapping[str, Any]) -> list[str]:
        if not self.head and "error" not in frame:
            self.head = [f"{name} {one_line(as_text(frame[name]), 60)}" for name in _IN_HEAD if frame.get(name)]
        words = []
        if error := frame.get("error"):
            words.append(f"ERROR {_error(error)}")
        choices = frame.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            words += _choice(choice)
        if usage := mapping(frame.get("usage")):
            words.append(_usage(usage))
        for name, value in frame.items():
            if name in _READ or value is None or (name in self.told and self.told[name] == value):
                continue
            if name in self.told or name not in _IN_HEAD:
                words.append(f"{one_line(name, 60)} {one_line(as_text(value))}")
            self.told[name] = value
        return words


def _choice(choice: Any) -> list[str]:
    """What a choice of a chunk adds."""
    if not isinstance(choice, dict):
        return [f"choice {one_line(as_text(choice))}"]
    index = choice.get("index") or 0
    words = [f"choice {one_line(as_text(index), 20)}:"] if index else []
    delta = choice.get("delta") or choice.get("message")
    if isinstance(delta, dict):
        words += _delta(delta)
    elif delta is not None:
        words.append(f"delta {one_line(as_text(delta))}")
    for name, value in choice.items():
        if name not in ("index", "delta", "message", "finish_reason") and value is not None:
            words.append(_field(name, value))
    if reason := choice.get("finish_reason"):
        words.append(f"finish {one_line(as_text(reason), 60)}")
    return words


def _delta(delta: Mapping[str, Any]) -> list[str]:
    words = []
    for name, value in delta.items():
        if value is None or (value == "" and delta.get("role")):  # how a message opens
            continue
        if name == "role":
            words.append(f"role {one_line(as_text(value), 60)}")
        elif name == "tool_calls" and isinstance(value, list):
            words += [_call(call) for call in value]
        else:
            words.append(_field(name, value))
    return words


def _call(call: Any) -> str:
    """A tool call's next piece: its place, its name where it begins, its arguments."""
    if not isinstance(call, dict):
        return f"tool call {one_line(as_text(call))}"
    function = mapping(call.get("function"))
    words = [
        "tool call",
        *(one_line(as_text(found), 60) for found in (call.get("index"), function.get("name")) if found),
    ]
    if arguments := function.get("arguments"):
        words.append(_quoted(arguments))
    return " ".join(words)


def _field(name: str, value: Any) -> str:
    return f"{one_line(_NAMES.get(name, name), 60)} {_quoted(value)}"


def _usage(usage: Mapping[str, Any]) -> str:
    """The two numbers that are paid for, and those parts of them that are told."""
    parts = [
        f"{one_line(name, 40)} {one_line(as_text(count), 20)}"
        for details in usage.values()
        if isinstance(details, dict)
        for name, count in details.items()
        if count
    ]
    numbers = "+".join(one_line(as_text(usage.get(name, "?")), 20) for name in ("prompt_tokens", "completion_tokens"))
    return f"usage {numbers}" + (f" ({one_line(', '.join(parts))})" if parts else "")


def _error(error: Any) -> str:
    told = mapping(error)
    words = [as_text(told[name]) for name in ("code", "message") if told.get(name)]
    return one_line(": ".join(words) if words else as_text(error), _UNREAD)


def _quoted(value: Any) -> str:
    """A text in quotes, with its line ends and spaces visible; anything else as JSON."""
    if not isinstance(value, str):
        return one_line(as_text(value))
    return repr(value) if len(value) <= _WORDS else f"{value[:_WORDS]!r}… ({len(value)} characters)"
