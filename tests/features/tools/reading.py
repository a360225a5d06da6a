"""Answers read by the reader of tool calls, cut in any way."""

import itertools
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from addons.features.tools.reader import ToolReader
from addons.features.tools.toolbox import Tool, Toolbox
from providers.contract.events import Event, Finish, FinishReason, Reasoning, Text, ToolCallDelta

MARK = "k3j9x2ab"
OPEN, CLOSE = f"<call-{MARK}>", f"</call-{MARK}>"


def tool(name: str, *, alias: str | None = None, required: Sequence[str] = (), **properties: Any) -> Tool:
    """A tool whose properties have these types, or these schemas."""
    known = {key: {"type": kind} if isinstance(kind, str) else kind for key, kind in properties.items()}
    return Tool(name, alias, "", {"type": "object", "properties": known, "required": list(required)})


TOOLS = (
    tool("read", path="string", limit="integer", required=["path"]),
    tool("get_weather", city="string", days="integer", metric="boolean", required=["city"]),
    tool("write", path="string", content="string", required=["path", "content"]),
    tool("list_all"),
    tool("Bash", alias="shell_run", command="string", timeout="number", required=["command"]),
    tool("todo", items={"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}),
)


@dataclass
class Answer:
    """What came out: text and thinking joined, calls by index as (name, arguments), the reason of the Finish."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    reason: FinishReason | None = None


def boxed(choice: str = "auto", *, parallel: bool = True, tools: Sequence[Tool] = TOOLS) -> Toolbox:
    return Toolbox(tools, choice, parallel)


def reader(
    toolbox: Toolbox | None = None, quoted: Callable[[str], bool] = lambda text: False, mark: str = MARK
) -> ToolReader:
    ids = itertools.count(1)
    return ToolReader(toolbox or boxed(), mark, quoted, lambda: f"call_{next(ids)}")


def answer_of(events: Iterable[Event]) -> Answer:
    """The answer that events are; fails where they are none a client could read."""
    found, ids = Answer(), set[str]()
    parts: dict[int, list[str]] = {}
    for event in events:
        match event:
            case Text():
                assert event.text
                found.text += event.text
            case Reasoning():
                found.thinking += event.text
            case ToolCallDelta():
                if event.index not in parts:
                    assert event.index == len(parts)
                    assert event.id not in ids
                    assert event.id
                    assert event.name
                    ids.add(event.id)
                    parts[event.index] = [event.name, ""]
                else:
                    assert (event.id, event.name) == (None, None)
                parts[event.index][1] += event.arguments
            case Finish():
                found.reason = event.reason
    found.calls = [(name, _object(arguments)) for name, arguments in parts.values()]
    assert found.reason == "length" or all(isinstance(arguments, dict) for _, arguments in found.calls)
    return found


def _object(arguments: str) -> Any:
    """The arguments, as the text that they are where the answer broke off in them."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def read(
    pieces: Iterable[str | Event],
    toolbox: Toolbox | None = None,
    quoted: Callable[[str], bool] = lambda text: False,
    reason: FinishReason = "stop",
) -> Answer:
    """The answer that pieces of text, or other events, are read as."""
    reading, out = reader(toolbox, quoted), []
    for piece in pieces:
        out += reading.filter([Text(piece) if isinstance(piece, str) else piece])
    return answer_of([*out, *reading.filter([Finish(reason)])])


def cuts(text: str) -> Iterator[list[str]]:
    """The text whole, letter by letter, in every two pieces, and in some random ones."""
    yield [text] if text else []
    yield list(text)
    yield from ([text[:at], text[at:]] for at in range(1, len(text)))
    chance = random.Random(text)
    for _ in range(10):
        at = sorted(chance.sample(range(len(text) + 1), min(len(text), chance.randint(1, 8))))
        yield [text[begin:end] for begin, end in itertools.pairwise([0, *at, len(text)]) if begin < end]


def read_anyhow(
    text: str,
    toolbox: Toolbox | None = None,
    quoted: Callable[[str], bool] = lambda text: False,
    reason: FinishReason = "stop",
) -> Answer:
    """The answer that a text is read as, which is the same however it is cut."""
    found = read([text], toolbox, quoted, reason)
    for pieces in cuts(text):
        other = read(pieces, toolbox, quoted, reason)
        assert other == found, f"{pieces} is read as {other}, and whole as {found}"
    return found
