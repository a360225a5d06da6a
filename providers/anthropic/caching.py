"""Marks of prefixes that an API is to keep (`cache_control`), where the client has set none.

A mark costs a quarter more of what it keeps and spares nine tenths of it the next time, so only what will come again is
marked: tools and system text, and the newest turn of a conversation that goes on. The API finds the longest prefix that
it has by itself, up to twenty blocks before a mark (docs.claude.com, prompt caching).
"""

from collections.abc import Mapping
from typing import Any, Final

LEAST_CHARS: Final = 4096
"""Shorter prefixes (1024 tokens with most models) are not kept."""
_MARK: Final = {"type": "ephemeral"}
_UNMARKED: Final = frozenset({"thinking", "redacted_thinking"})


def mark(fields: dict[str, Any]) -> None:
    """Puts the marks into a request's fields, in place."""
    system, tools, turns = fields.get("system", []), fields.get("tools", []), fields["messages"]
    blocks = [*system, *tools, *(block for turn in turns for block in turn["content"])]
    if any("cache_control" in block for block in blocks):
        return
    fixed = _chars(system) + _chars(tools)
    if fixed >= LEAST_CHARS:
        (system or tools)[-1]["cache_control"] = dict(_MARK)
    goes_on = bool(tools) or sum(turn["role"] == "user" for turn in turns) > 1
    if goes_on and fixed + sum(_chars(turn["content"]) for turn in turns) >= LEAST_CHARS:
        last = next((block for block in reversed(turns[-1]["content"]) if block["type"] not in _UNMARKED), None)
        if last is not None:
            last["cache_control"] = dict(_MARK)


def _chars(blocks: list[dict[str, Any]]) -> int:
    """The characters of all texts in blocks, as far as it takes to see that they are many."""
    total, waiting = 0, list[Any](blocks)
    while waiting and total < LEAST_CHARS:
        value = waiting.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return total
