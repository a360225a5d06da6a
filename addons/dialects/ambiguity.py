"""What two JSON parsers would understand differently is refused, so that gateway and provider read the same request.

That is a name twice in one object (first or last?), a number beyond the range of a float (infinity is no JSON), and a
whole number that only some keep to its last digit.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_WORD: Final = 2**63
"""Whole numbers up to this are one word of the machine; longer ones take fifty times as long to write."""
_LARGEST: Final = 2**128
"""Whole numbers: those of 128 bits fit, which schemas name as bounds. What longer ones cost grows as a square."""


class AmbiguityError(ValueError):
    """`path` leads to the value at fault."""

    def __init__(self, message: str, path: tuple[int | str, ...]) -> None:
        super().__init__(message)
        self.path = path


class Survey(NamedTuple):
    """What was found in a JSON value."""

    depth: int
    members: int
    """Members of all objects. A text that holds more names has one of them twice in an object."""
    oversized: AmbiguityError | None
    """A number that is too large for a float."""
    long_numbers: int
    """Whole numbers that are no machine's word."""


def survey(value: Any) -> Survey:
    """Looks at every value once, level by level: a value is deep before it is long, and nothing recurses."""
    depth = members = long_numbers = 0
    oversized = False
    level = [value]
    while level:
        depth += 1
        below: list[Any] = []
        for container in level:
            items = container
            if type(container) is dict:
                members += len(container)
                items = container.values()
            for item in items:
                kind = type(item)
                if kind is dict or kind is list:
                    below.append(item)
                elif kind is float:
                    oversized = oversized or item - item != 0.0
                elif kind is int and not -_WORD <= item <= _WORD:
                    long_numbers += 1
                    oversized = oversized or not -_LARGEST <= item <= _LARGEST
        level = below
    return Survey(depth, members, _oversized(value, ()) if oversized else None, long_numbers)


def _oversized(value: Any, path: tuple[int | str, ...]) -> AmbiguityError | None:
    """Where the first number stands that is too large."""
    if isinstance(value, int | float):
        fits = -_LARGEST <= value <= _LARGEST if isinstance(value, int) else math.isfinite(value)
        return None if fits else AmbiguityError("the number is too large", path)
    for name, item in _items(value):
        if (found := _oversized(item, (*path, name))) is not None:
            return found
    return None


def first_double_name(body: bytes) -> AmbiguityError:
    """Where a name stands twice in one object of this JSON, which is known to have one."""
    value = json.loads(body, object_pairs_hook=_read_object)
    return _double_name(value, ()) or AmbiguityError("the same name stands twice in one object", ())


class _Repeating(dict[str, Any]):
    """An object that has the name `name` twice."""

    name = ""


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeating = _Repeating(value)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            repeating.name = name
            break
        seen.add(name)
    return repeating


def _double_name(value: Any, path: tuple[int | str, ...]) -> AmbiguityError | None:
    if isinstance(value, _Repeating):
        return AmbiguityError("the same name stands twice in one object", (*path, value.name))
    for name, item in _items(value):
        if (found := _double_name(item, (*path, name))) is not None:
            return found
    return None


def _items(value: Any) -> list[tuple[int | str, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
