"""What a provider said in this form itself, as far as its end depends on that; read only then."""

from collections.abc import Iterator, Mapping
from typing import Any

from addons.dialects.text import json_bytes, lines_of
from providers.formats.jsontext import loads, mapping, whole


class OwnAnswer:
    """Remembers the first and the last piece of a provider's own stream, or its whole answer."""

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first = self._last = b""

    @property
    def begun(self) -> bool:
        return bool(self._first)

    def add(self, data: bytes) -> None:
        if not self._first:
            self._first = data
        self._last = data

    def document(self) -> bytes:
        """The answer as an object: of the last event, or all there is; nothing where there is none."""
        *_, last = ({}, *_events(self._last))
        found = mapping(last.get("response")) or (last if last.get("object") == "response" else {})
        return json_bytes(found) if found else b""

    def begun_as(self) -> dict[str, Any]:
        """The answer as the first event told it."""
        first = next(_events(self._first), {})
        return mapping(first.get("response"))

    def next_number(self) -> int:
        """The number of the event that would follow."""
        *_, last = ({}, *_events(self._last))
        number = whole(last.get("sequence_number"))
        return 0 if number is None else number + 1


def _events(data: bytes) -> Iterator[Mapping[str, Any]]:
    """The objects of a piece of a stream, or the one that it is."""
    text = data.decode("utf-8", "replace")
    lines = [line[5:] for line in lines_of(text) if line.startswith("data:")] or [text]
    for line in lines:
        if found := mapping(loads(line.encode())):
            yield found
