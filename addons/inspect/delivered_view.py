"""The delivered view's table: when each chunk went to the client, what it added, how the answer ended. Pure.

A whole answer is its JSON, indented.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from addons.dialects.registry import transcript_of
from addons.dialects.transcript import FrameReader, one_line
from addons.inspect.sse_text import Arrivals, ArrivalTimes, blocks, columns, data_of
from providers.formats.jsontext import BODY_VALUES, INVALID, loads

ROWS: Final = 20_000
"""Rows of one table; a longer stream ends in a line that says so."""
DEPTH: Final = 24
"""JSON nested deeper is shown as it came: indented, each of its lines would be as long as the nesting is deep."""
_UNREAD: Final = 2000


def delivered_text(delivered: str, deliveries: Arrivals = (), dialect: str = "") -> str:
    """A table of a stream, or a whole answer indented. `deliveries`: when the pieces of it went out."""
    if delivered.lstrip()[:1] in ("{", "["):
        return _indented(delivered)
    return "\n".join(_table(delivered, deliveries, transcript_of(dialect).frames())) + "\n"


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


def _table(delivered: str, deliveries: Arrivals, reader: FrameReader) -> Iterator[str]:
    clock = ArrivalTimes(deliveries)
    rows: list[str] = []
    comments = more = 0
    for end, block in blocks(delivered):
        if all(line.startswith(":") for line in block):
            comments += len(block)
        elif len(rows) < ROWS:
            rows.append(columns(len(rows) + 1, clock.ms(end)) + _row(block, reader))
        else:
            more += 1
    if reader.head:
        yield from (*reader.head, "")
    yield columns("#", "ms") + "delta, finish, usage"
    yield ""
    yield from rows
    if more:
        yield f"(and {more} more)"
    if comments:
        yield f"({comments} keep-alive comments, left out)"
    if delivered and not delivered.endswith(("\n\n", "\r\r", "\r\n\r\n")):
        yield "(cut here: inspect.body_kb is how much is kept)"


def _row(block: Sequence[str], reader: FrameReader) -> str:
    """What a block says."""
    payload = data_of(block)
    others = [one_line(line) for line in block if not line.startswith(("data:", ":"))]
    if payload == "[DONE]":
        return "  ".join([*others, payload])
    value = loads(payload.encode("utf-8", "surrogatepass")) if payload else None
    if not isinstance(value, dict):
        return "  ".join([*others, *([f"no JSON: {one_line(payload, _UNREAD)}"] if payload else [])])
    return "  ".join([*others, *reader.words(value)]) or "nothing"
