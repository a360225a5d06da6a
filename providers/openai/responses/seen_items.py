"""The items that a passed stream has told of, by the events of their beginnings and ends."""

from collections.abc import Mapping
from typing import Any, Final

from providers.formats.jsontext import dumps, loads, mapping, text, whole
from providers.openai.responses.told_items import Teller

_ITEMS_LIMIT: Final = 1000
_ID_CHARS: Final = 256
_BYTES_LIMIT: Final = 4 * 1024 * 1024
"""Of all items that are kept; one with more is not told again by its end."""


_USUAL: Final = {"object": "response", "status": "completed", "error": None, "incomplete_details": None}


class SeenItems:
    """The items. What the last event of an answer lacks is taken from them, and what they lack is told before it."""

    def __init__(self) -> None:
        self._begun: set[int] = set()
        self._done: dict[int, bytes] = {}
        self._ids: set[str] = set()
        self._size = 0

    def read(self, kind: str, event: Mapping[str, Any]) -> None:
        """Takes note of `output_item.added` and `output_item.done`."""
        item, index = mapping(event.get("item")), whole(event.get("output_index"))
        if index is None:
            index = len(self._done)
        if len(self._begun) + len(self._done) >= 2 * _ITEMS_LIMIT:
            return
        if kind == "response.output_item.added":
            self._begun.add(index)
            return
        written = dumps(item)
        self._size += len(written)
        self._done[index if index not in self._done else len(self._done)] = written if self._room else b""
        self._ids |= _ids_of(item)

    @property
    def _room(self) -> bool:
        return self._size <= _BYTES_LIMIT

    def completed(self, response: Mapping[str, Any]) -> dict[str, Any] | None:
        """The response with its items, where it has none and there were some (as ChatGPT's own backend ends); else
        None."""
        if response.get("output") or not self._room or not (self._done or response.get("output") is None):
            return None
        output = [loads(self._done[index]) for index in sorted(self._done)]
        return {**_USUAL, **response, "output": output}

    def untold(self, response: Mapping[str, Any], teller: Teller) -> bytes:
        """The events of items that the last event alone tells."""
        output = response.get("output")
        told: list[bytes] = []
        for index, item in enumerate(map(mapping, output[:_ITEMS_LIMIT] if isinstance(output, list) else ())):
            if index in self._done or _ids_of(item) & self._ids or not text(item.get("type")):
                continue
            told.append(teller.done(index, item) if index in self._begun else teller.item(index, item))
        return b"".join(told)


def _ids_of(item: Mapping[str, Any]) -> set[str]:
    return {id for name in ("id", "call_id") if (id := text(item.get(name))[:_ID_CHARS])}
