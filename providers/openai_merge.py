"""Fields of an answer's deltas put together, for a client that wants the answer whole while the API streamed it."""

from typing import Any, Final

from providers.events import Event, Extra

_REPLACED: Final = frozenset({"id", "type", "format", "index", "signature", "role"})
"""Names whose text is one value, not pieces of a text."""

_DEPTH_LIMIT: Final = 20


class ExtraPile:
    """Gathers Extra events of choice and delta scope until the end."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, int], dict[str, Any]] = {}

    def sift(self, events: list[Event]) -> list[Event]:
        """The events without those that are gathered."""
        passed: list[Event] = []
        for event in events:
            if isinstance(event, Extra) and event.scope != "chunk":
                known = self._fields.setdefault((event.scope, event.choice), {})
                for name, value in event.fields.items():
                    known[name] = merged(known.get(name), value, name)
            else:
                passed.append(event)
        return passed

    def rest(self) -> list[Event]:
        """One Extra for each scope and candidate."""
        found: list[Event] = []
        for (scope, choice), fields in self._fields.items():
            found.append(Extra("choice" if scope == "choice" else "delta", fields, choice))
        self._fields = {}
        return found


def merged(known: Any, more: Any, name: str = "", *, depth: int = 0) -> Any:
    """`more` added to what is known: texts and lists grow, objects field by field, all else is replaced."""
    if known is None or depth > _DEPTH_LIMIT:
        return more
    if more is None:
        return known
    if isinstance(known, str) and isinstance(more, str):
        return more if name in _REPLACED or (name == "name" and more == known) else known + more
    if isinstance(known, dict) and isinstance(more, dict):
        both = dict(known)
        for field, value in more.items():
            both[field] = merged(both.get(field), value, field, depth=depth + 1)
        return both
    if isinstance(known, list) and isinstance(more, list):
        return _lists(known, more, depth)
    return more


def _lists(known: list[Any], more: list[Any], depth: int) -> list[Any]:
    """Entries with an `index` go into the entry of that index; others follow. Changes `known`."""
    if not any(map(_indexed, more)):
        known.extend(more)
        return known
    places = {entry["index"]: at for at, entry in enumerate(known) if _indexed(entry)}
    for entry in more:
        at = places.get(entry["index"]) if _indexed(entry) else None
        if at is None:
            known.append(entry)
        else:
            known[at] = merged(known[at], entry, depth=depth + 1)
    return known


def _indexed(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("index"), int)
