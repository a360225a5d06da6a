"""Merging the fields of an answer's deltas, for a client that wants the answer whole while the API streamed it."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from providers.contract.events import Event, Passthrough

_REPLACED: Final = frozenset({"id", "type", "format", "index", "signature", "role"})
"""Names whose text is one value, not pieces of a text."""

_DEPTH_LIMIT: Final = 20
_FIRST_FOLD: Final = 1000


class PassthroughMerger:
    """Collector of Passthrough events of choice and delta scope until the end."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, int], dict[str, _Pieces]] = {}

    def sift(self, events: list[Event]) -> list[Event]:
        """The events without those that are gathered."""
        passed: list[Event] = []
        for event in events:
            if isinstance(event, Passthrough) and event.scope != "chunk":
                known = self._fields.setdefault((event.scope, event.choice), {})
                for name, value in event.fields.items():
                    known.setdefault(name, _Pieces(name)).add(value)
            else:
                passed.append(event)
        return passed

    def rest(self) -> list[Event]:
        """One Passthrough for each scope and candidate."""
        found: list[Event] = []
        for (scope, choice), fields in self._fields.items():
            whole = {name: pieces.whole() for name, pieces in fields.items()}
            found.append(Passthrough("choice" if scope == "choice" else "delta", whole, choice))
        self._fields = {}
        return found


class _Pieces:
    """The values of one field. They are put together when there are twice as many as the last time, so that each is
    copied a few times only, however many come."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values: list[Any] = []
        self._fold_at = _FIRST_FOLD

    def add(self, value: Any) -> None:
        self._values.append(value)
        if len(self._values) >= self._fold_at:
            self._values = [self.whole()]
            self._fold_at *= 2

    def whole(self) -> Any:
        return merged(self._values, self._name)


def merged(values: Iterable[Any], name: str = "", *, depth: int = 0) -> Any:
    """The values of a field called `name` in one: texts and lists grow, objects field by field, all else is replaced.

    Takes time in proportion to all values together. Gives None for no values.
    """
    alike = _last_alike(values)
    if len(alike) < 2 or depth > _DEPTH_LIMIT:
        return alike[-1] if alike else None
    if isinstance(alike[0], str):
        return _text(alike, name)
    if isinstance(alike[0], dict):
        fields: dict[str, list[Any]] = {}
        for value in alike:
            for field, part in value.items():
                fields.setdefault(field, []).append(part)
        return {field: merged(parts, field, depth=depth + 1) for field, parts in fields.items()}
    if isinstance(alike[0], list):
        return list(_entries((entry for value in alike for entry in value), depth))
    return alike[-1]


def _last_alike(values: Iterable[Any]) -> list[Any]:
    """The last values of one kind; null says nothing, and a value of another kind replaces what was before it."""
    alike: list[Any] = []
    kind: type | None = None
    for value in values:
        if value is None:
            continue
        if type(value) is not kind:
            kind, alike = type(value), []
        alike.append(value)
    return alike


def _text(pieces: list[str], name: str) -> str:
    if name in _REPLACED:
        return pieces[-1]
    if name != "name":
        return "".join(pieces)
    parts, size = [""], 0
    for piece in pieces:
        if len(piece) == size and piece == "".join(parts):
            continue  # a name is often told again whole
        parts.append(piece)
        size += len(piece)
    return "".join(parts)


def _entries(entries: Iterable[Any], depth: int) -> Iterator[Any]:
    """Entries with the same `index` are one, where the first of them stood; others follow."""
    places: dict[int, list[Any]] = {}
    order: list[list[Any]] = []
    for entry in entries:
        index = entry.get("index") if isinstance(entry, dict) else None
        same = places.get(index) if isinstance(index, int) else None
        if same is not None:
            same.append(entry)
            continue
        order.append([entry])
        if isinstance(index, int):
            places[index] = order[-1]
    return (merged(same, depth=depth + 1) for same in order)
