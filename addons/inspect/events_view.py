"""The events view's table: when each event of the provider came, its kind, and what our decoder made of it. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from addons.dialects.text import lines_of
from addons.inspect.sse_text import Arrivals, ArrivalTimes, columns, data_of
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Withdrawn,
)
from providers.contract.operation import Decoder
from providers.formats.jsontext import INVALID, loads

_BLANK_LINE: Final = re.compile(rb"\n\n|\r\n\r\n|\r\r")
_TEXT_WIDTH: Final = 300
_KIND_WIDTH: Final = 34
_MOST_CHOICES: Final = 128
"""As many as OpenAI's API gives."""
_KIND_NAMES: Final = ("type", "phase", "action", "object", "status")


@dataclass(frozen=True, slots=True)
class Row:
    """One event of the stream, or a piece that is none."""

    number: int
    offset_ms: int | None
    kind: str
    text: str
    read_as: str


def rows(data: bytes, arrivals: Arrivals, decoder: Decoder | None, *, ended: bool = True) -> list[Row]:
    """The stream's events, each with the decoder's events for it. `arrivals`: offset and length of the pieces.

    One that has not `ended` is no broken one: it is not asked what is missing.
    """
    clock = ArrivalTimes(arrivals)
    found: list[Row] = []
    for number, (start, end) in enumerate(_blocks(data), 1):
        block = data[start:end]
        read = decoder.feed(block) if decoder is not None else []
        if not block.strip():
            if read and found:  # the blank line is what completes an event
                found[-1] = _with(found[-1], read)
            continue
        text = block.strip().decode("utf-8", "replace")
        found.append(Row(number, clock.ms(end), _kind(text), text, _read_as(read)))
    if decoder is not None and ended and (rest := decoder.close()):
        found.append(Row(len(found) + 1, clock.ms(len(data)), "end of the stream", "", _read_as(rest)))
    return [Row(n, row.offset_ms, row.kind, row.text, row.read_as) for n, row in enumerate(found, 1)]


def table(found: Sequence[Row], *, cut: bool) -> str:
    """The rows as text in columns."""
    width = min(max((len(row.kind) for row in found), default=0), _KIND_WIDTH)
    lines = [columns("#", "ms") + f"{'kind':<{width}}  what we read in it", ""]
    for row in found:
        begin = columns(row.number, row.offset_ms)
        lines.append(f"{begin}{row.kind[:width]:<{width}}  {row.read_as or 'ignored'}")
        lines.append(" " * len(begin) + _short(row.text) if row.text else "")
    if cut:
        lines.append("(only the beginning of the stream was kept: inspect.body_kb)")
    return "\n".join(lines) + "\n"


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each block of lines and each run of blank lines, so that all bytes are fed, in order."""
    start = 0
    for found in _BLANK_LINE.finditer(data):
        yield start, found.end()
        start = found.end()
    if start < len(data):
        yield start, len(data)


def _kind(text: str) -> str:
    """The event's own names for its kind, wherever they stand."""
    payload = data_of(lines_of(text)) or text
    if payload.startswith(":"):
        return "comment"
    value = loads(payload.encode("utf-8", "surrogatepass"))
    if value is INVALID:
        return payload[:30] if payload.startswith("[") else "no JSON"
    names = list(dict.fromkeys(_kinds(value)))
    return " ".join(names) if names else "JSON"


def _kinds(value: Any, depth: int = 4) -> Iterator[str]:
    if not isinstance(value, dict) or depth == 0:
        return
    if value.get("error"):
        yield "error"
    for name in _KIND_NAMES:
        if isinstance(value.get(name), str) and value[name]:
            yield value[name]
    if any(name.startswith("response.") for name in value):
        yield next(name for name in value if name.startswith("response."))
    for name in ("data", "event", "delta"):
        yield from _kinds(value.get(name), depth - 1)
    choices = value.get("choices")
    for choice in choices[:_MOST_CHOICES] if isinstance(choices, list) else []:
        if isinstance(choice, dict):
            yield from _kinds(choice.get("delta"), depth - 1)
            if choice.get("finish_reason"):
                yield str(choice["finish_reason"])


def _read_as(events: Sequence[Event]) -> str:
    return "; ".join(_choice(event) + _describe(event) for event in events)


def _choice(event: Event) -> str:
    """Which of several answers it is of, where it is not of the first."""
    choice = getattr(event, "choice", 0)
    return f"choice {choice}: " if choice else ""


def _describe(event: Event) -> str:
    match event:
        case Text(text=text):
            return f"text {_short(text, 60)!r}"
        case Reasoning(text=text):
            return f"reasoning {_short(text, 60)!r}"
        case Withdrawn():
            return "all said so far is void"
        case ToolCallDelta(name=name, arguments=arguments):
            return f"tool call {name or ''} {_short(arguments, 60)!r}"
        case Citation(url=url, mark=mark):
            return f"source {mark or ''} {url}"
        case Image(url=url):
            return f"picture {_short(url, 80)}"
        case Usage(prompt_tokens=prompt, completion_tokens=completion):
            return f"usage {prompt}+{completion}"
        case Passthrough(fields=fields):
            return f"fields {', '.join(fields)}"
        case Finish(reason=reason, others=others):
            return f"END {reason}" + "".join(f", choice {choice}: {why}" for choice, why in others)
        case Failure(error=error):
            return f"ERROR {error.kind.value}: {error.message}"
        case _:
            return type(event).__name__.lower()


def _with(row: Row, events: Sequence[Event]) -> Row:
    return Row(row.number, row.offset_ms, row.kind, row.text, "; ".join(filter(None, (row.read_as, _read_as(events)))))


def _short(text: str, most: int = _TEXT_WIDTH) -> str:
    text = " ".join(text.split("\n")) if most == _TEXT_WIDTH else text
    return text if len(text) <= most else f"{text[:most]}…"
