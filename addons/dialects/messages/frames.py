"""What each event of a Messages stream says, in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from addons.dialects.transcript import as_text, one_line
from providers.formats.jsontext import mapping

_WORDS: Final = 400
_UNREAD: Final = 2000
_DELTAS: Final[Mapping[str, str]] = {"text": "text", "thinking": "reasoning", "partial_json": "input"}


@dataclass(slots=True)
class EventReader:
    """Tells what each event of a stream adds."""

    head: list[str] = field(default_factory=list)

    def words(self, frame: Mapping[str, Any]) -> list[str]:
        index = frame.get("index")
        match frame.get("type"):
            case "message_start":
                message = mapping(frame.get("message"))
                self.head = [
                    f"{name} {one_line(as_text(message[name]), 60)}" for name in ("model", "id") if name in message
                ]
                return ["message begins", _usage(message.get("usage"))]
            case "content_block_start":
                block = mapping(frame.get("content_block"))
                named = (as_text(block.get(name)) for name in ("type", "name", "id") if block.get(name))
                return [f"block {index} begins: {one_line(' '.join(named), 200)}"]
            case "content_block_delta":
                return _delta(mapping(frame.get("delta")))
            case "content_block_stop":
                return [f"block {index} ends"]
            case "message_delta":
                reason = mapping(frame.get("delta")).get("stop_reason")
                return [f"stop reason {one_line(as_text(reason), 60)}", _usage(frame.get("usage"))]
            case "message_stop":
                return ["message ends"]
            case "error":
                error = mapping(frame.get("error"))
                return [f"ERROR {one_line(': '.join(as_text(error.get(n, '')) for n in ('type', 'message')), _UNREAD)}"]
            case "ping":
                return ["ping"]
        return [one_line(as_text(frame))]


def _delta(delta: Mapping[str, Any]) -> list[str]:
    said = [f"{word} {_quoted(delta[name])}" for name, word in _DELTAS.items() if name in delta]
    return said or [one_line(as_text(delta))]


def _usage(usage: Any) -> str:
    """The two numbers that are paid for, and those parts of them that are told."""
    told = mapping(usage)
    numbers = "+".join(one_line(as_text(told.get(name, "?")), 20) for name in ("input_tokens", "output_tokens"))
    cached = told.get("cache_read_input_tokens")
    return f"usage {numbers}" + (f" (cached {one_line(as_text(cached), 20)})" if cached else "")


def _quoted(value: Any) -> str:
    """A text in quotes, with its line ends and spaces visible; anything else as JSON."""
    if not isinstance(value, str):
        return one_line(as_text(value))
    return repr(value) if len(value) <= _WORDS else f"{value[:_WORDS]!r}… ({len(value)} characters)"
