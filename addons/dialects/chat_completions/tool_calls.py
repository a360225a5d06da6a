"""Tool calls, in fragments for a stream and put together for a whole message."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from addons.dialects.text import SurrogateJoiner
from providers.contract.events import ToolCallDelta


class ToolCalls:
    """Fragments put in order: dense indexes from 0; id, type and name once, in the first fragment.

    A call without an id gets one. It is made of `answer` (the answer's own id) and the candidate, so that no other call
    of the conversation, which clients send back as a whole, ever has the same.
    """

    def __init__(self, answer: str, choice: int = 0) -> None:
        self._salt = f"{answer}/{choice}"
        self._dense: dict[int, int] = {}
        self._arguments: list[SurrogateJoiner] = []

    def fragment(self, delta: ToolCallDelta) -> dict[str, Any]:
        """The fragment as a stream shows it."""
        first = delta.index not in self._dense
        index = self._dense.setdefault(delta.index, len(self._dense))
        if first:
            self._arguments.append(SurrogateJoiner())
        function: dict[str, Any] = {"arguments": self._arguments[index].feed(delta.arguments)}
        found: dict[str, Any] = {"index": index}
        extra = delta.extra or {}
        if "custom" not in extra:  # a custom tool has its name and input there
            found["function"] = function
        if first:
            found["id"] = delta.id or self._new_id(index)
            found["type"] = "function"
            function["name"] = delta.name or ""
        found |= {name: value for name, value in extra.items() if name not in ("index", "function")}
        return found

    def _new_id(self, index: int) -> str:
        return "call_" + hashlib.blake2b(f"{self._salt}/{index}".encode(), digest_size=12).hexdigest()

    def rest(self) -> list[dict[str, Any]]:
        """The last fragments, of calls whose arguments ended in half a surrogate pair."""
        rests = [(index, pairs.rest()) for index, pairs in enumerate(self._arguments)]
        return [{"index": index, "function": {"arguments": rest}} for index, rest in rests if rest]


def merged(fragments: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fragments of `ToolCalls` put together, as a whole message holds them."""
    by_index: dict[int, list[Mapping[str, Any]]] = {}
    for fragment in fragments:
        by_index.setdefault(fragment["index"], []).append(fragment)
    return [_whole(by_index[index]) for index in sorted(by_index)]


def _whole(fragments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    call: dict[str, Any] = {}
    for fragment in fragments:
        call |= {name: value for name, value in fragment.items() if name not in ("index", "function", "custom")}
    if functions := [fragment["function"] for fragment in fragments if "function" in fragment]:
        call["function"] = {"name": _told("name", functions), "arguments": _told("arguments", functions)}
    if customs := [custom for fragment in fragments if isinstance(custom := fragment.get("custom"), Mapping)]:
        rest = {name: value for custom in customs for name, value in custom.items()}
        call["custom"] = {**rest, "name": _told("name", customs), "input": _told("input", customs)}
    return call


def _told(name: str, parts: Sequence[Mapping[str, Any]]) -> str:
    return "".join(str(part.get(name) or "") for part in parts)
