"""What the client was sent, as a table: when each chunk went out, what it added, how the answer ended. Pure.

A whole answer is its JSON, indented.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from addons.inspect.sse_text import Arrivals, Clock, blocks, columns, data_of
from providers.formats.jsontext import BODY_VALUES, INVALID, loads, mapping

ROWS: Final = 20_000
"""Rows of one table; a longer stream ends in a line that says so."""
DEPTH: Final = 24
"""JSON nested deeper is shown as it came: indented, each of its lines would be as long as the nesting is deep."""
_WORDS: Final = 400
_UNREAD: Final = 2000
_NAMES: Final = {"reasoning_content": "reasoning", "reasoning": "reasoning", "text": "text"}
_IN_HEAD: Final = ("model", "id")
"""Fields of every chunk that stand above the table; a row names one only where it has changed."""
_READ: Final = frozenset({"choices", "error", "usage", "created", "object"})
"""Fields of a chunk that a row tells in other words, or not."""


def delivered_text(delivered: str, deliveries: Arrivals = ()) -> str:
    """A table of a stream, or a whole answer indented. `deliveries`: when the pieces of it went out."""
    if delivered.lstrip()[:1] in ("{", "["):
        return _indented(delivered)
    return "\n".join(_table(delivered, deliveries)) + "\n"


def _indented(text: str) -> str:
    value = loads(text.encode("utf-8", "surrogatepass"), BODY_VALUES)
    if value is INVALID or _deeper(value, DEPTH):
        return text if text.endswith("\n") else f"{text}\n"
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects stand more than `depth` deep in each other."""
    level = [value]
    for _ in range(depth):
        found = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list)))
        level = list(itertools.chain.from_iterable(found))
    return any(isinstance(one, (dict, list)) for one in level)


@dataclass(slots=True)
class _Stream:
    """What the rows so far have told."""

    told: dict[str, Any] = field(default_factory=dict)
    """Fields beside the choices, which most chunks repeat."""

    def chunk(self, chunk: Mapping[str, Any]) -> list[str]:
        """What a chunk says that the ones before it did not."""
        words = []
        if error := chunk.get("error"):
            words.append(f"ERROR {_error(error)}")
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            words += _choice(choice)
        if usage := mapping(chunk.get("usage")):
            words.append(_usage(usage))
        for name, value in chunk.items():
            if name in _READ or value is None or (name in self.told and self.told[name] == value):
                continue
            if name in self.told or name not in _IN_HEAD:
                words.append(f"{_short(name, 60)} {_short(_plain(value))}")
            self.told[name] = value
        return words


def _table(delivered: str, deliveries: Arrivals) -> Iterator[str]:
    clock, stream = Clock(deliveries), _Stream()
    head: list[str] = []
    rows: list[str] = []
    comments = more = 0
    for end, block in blocks(delivered):
        if all(line.startswith(":") for line in block):
            comments += len(block)
        elif len(rows) < ROWS:
            rows.append(columns(len(rows) + 1, clock.ms(end)) + _row(block, stream, head))
        else:
            more += 1
    if head:
        yield from (*head, "")
    yield columns("#", "ms") + "delta, finish, usage"
    yield ""
    yield from rows
    if more:
        yield f"(and {more} more)"
    if comments:
        yield f"({comments} keep-alive comments, left out)"
    if delivered and not delivered.endswith(("\n\n", "\r\r", "\r\n\r\n")):
        yield "(cut here: inspect.body_kb is how much is kept)"


def _row(block: Sequence[str], stream: _Stream, head: list[str]) -> str:
    """What a block says; the first chunk fills `head`."""
    payload = data_of(block)
    others = [_short(line) for line in block if not line.startswith(("data:", ":"))]
    if payload == "[DONE]":
        return "  ".join([*others, payload])
    value = loads(payload.encode("utf-8", "surrogatepass")) if payload else None
    if not isinstance(value, dict):
        return "  ".join([*others, *([f"no JSON: {_short(payload, _UNREAD)}"] if payload else [])])
    if not head and "error" not in value:
        head += [f"{name} {_short(_plain(value[name]), 60)}" for name in _IN_HEAD if value.get(name)]
    return "  ".join([*others, *stream.chunk(value)]) or "nothing"


def _choice(choice: Any) -> list[str]:
    """What a choice of a chunk adds."""
    if not isinstance(choice, dict):
        return [f"choice {_short(_plain(choice))}"]
    index = choice.get("index") or 0
    words = [f"choice {_short(_plain(index), 20)}:"] if index else []
    delta = choice.get("delta") or choice.get("message")
    if isinstance(delta, dict):
        words += _delta(delta)
    elif delta is not None:
        words.append(f"delta {_short(_plain(delta))}")
    for name, value in choice.items():
        if name not in ("index", "delta", "message", "finish_reason") and value is not None:
            words.append(_field(name, value))
    if reason := choice.get("finish_reason"):
        words.append(f"finish {_short(_plain(reason), 60)}")
    return words


def _delta(delta: Mapping[str, Any]) -> list[str]:
    words = []
    for name, value in delta.items():
        if value is None or (value == "" and delta.get("role")):  # how a message opens
            continue
        if name == "role":
            words.append(f"role {_short(_plain(value), 60)}")
        elif name == "tool_calls" and isinstance(value, list):
            words += [_call(call) for call in value]
        else:
            words.append(_field(name, value))
    return words


def _call(call: Any) -> str:
    """A tool call's next piece: its place, its name where it begins, its arguments."""
    if not isinstance(call, dict):
        return f"tool call {_short(_plain(call))}"
    function = mapping(call.get("function"))
    words = ["tool call", *(_short(_plain(found), 60) for found in (call.get("index"), function.get("name")) if found)]
    if arguments := function.get("arguments"):
        words.append(_quoted(arguments))
    return " ".join(words)


def _field(name: str, value: Any) -> str:
    return f"{_short(_NAMES.get(name, name), 60)} {_quoted(value)}"


def _usage(usage: Mapping[str, Any]) -> str:
    """The two numbers that are paid for, and those parts of them that are told."""
    parts = [
        f"{_short(name, 40)} {_short(_plain(count), 20)}"
        for details in usage.values()
        if isinstance(details, dict)
        for name, count in details.items()
        if count
    ]
    numbers = "+".join(_short(_plain(usage.get(name, "?")), 20) for name in ("prompt_tokens", "completion_tokens"))
    return f"usage {numbers}" + (f" ({_short(', '.join(parts))})" if parts else "")


def _error(error: Any) -> str:
    told = mapping(error)
    words = [_plain(told[name]) for name in ("code", "message") if told.get(name)]
    return _short(": ".join(words) if words else _plain(error), _UNREAD)


def _quoted(value: Any) -> str:
    """A text in quotes, with its line ends and spaces visible; anything else as JSON."""
    if not isinstance(value, str):
        return _short(_plain(value))
    return repr(value) if len(value) <= _WORDS else f"{value[:_WORDS]!r}… ({len(value)} characters)"


def _plain(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "(too deep to be shown)"


def _short(text: str, most: int = _WORDS) -> str:
    """One line of it."""
    return " ".join(text[:most].split("\n")) + ("" if len(text) <= most else f"… ({len(text)} characters)")
