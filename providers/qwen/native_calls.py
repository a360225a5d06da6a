"""Calls in the model's native form that the site lets through: `tool_calls` or `function_call` in an answer's delta.

Seen by clients of the site (2026-08); frames of role function are the site's own calls and none of these. Whether
arguments come in pieces or as far as they have grown is told by the text (shared/cumulative.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.contract.events import ToolCallDelta
from providers.formats.jsontext import dumps, mapping, text, whole
from providers.shared.cumulative import CumulativeText

_CALLS_LIMIT: Final = 64


class NativeCalls:
    """Reads the calls out of the deltas of one answer."""

    def __init__(self) -> None:
        self._arguments: dict[int, CumulativeText] = {}

    def add(self, delta: Mapping[str, Any]) -> Iterator[ToolCallDelta]:
        """What a delta says of calls."""
        listed = delta.get("tool_calls")
        entries = listed if isinstance(listed, list) else [{"function": delta.get("function_call")}]
        for at, entry in enumerate(entries[:_CALLS_LIMIT]):
            function = mapping(mapping(entry).get("function"))
            index = whole(mapping(entry).get("index"))
            if function:
                yield from self._fragment(at if index is None else index, function)

    def _fragment(self, index: int, function: Mapping[str, Any]) -> Iterator[ToolCallDelta]:
        said = function.get("arguments")
        arguments = dumps(said).decode() if isinstance(said, dict) else text(said)
        known = self._arguments.get(index)
        name = text(function.get("name")) if known is None else ""
        if known is None:
            if not name or len(self._arguments) >= _CALLS_LIMIT:
                return
            known = self._arguments[index] = CumulativeText()
        if name or arguments:
            yield ToolCallDelta(index, None, name or None, known.add(arguments))
