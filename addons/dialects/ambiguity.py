"""What two JSON parsers would understand differently is refused, so that gateway and provider read the same request.

That is a name twice in one object (first or last?), and a number beyond the range of a float (infinity is no JSON).
"""

import json
import math
from collections.abc import Mapping
from typing import Any


class AmbiguityError(ValueError):
    """`path` leads to the value at fault."""

    def __init__(self, message: str, path: tuple[int | str, ...]) -> None:
        super().__init__(message)
        self.path = path


def check_ambiguity(body: bytes) -> None:
    """Raises AmbiguityError for the first such value; ValueError when `body` is no JSON."""
    reader = _Reader()
    value = json.loads(body, object_pairs_hook=reader.read_object, parse_float=reader.read_float)
    if reader.found:
        _point_out(value, ())


class _Repeating(dict[str, Any]):
    """An object that has the name `name` twice."""

    name = ""


class _Reader:
    """Hooks for the parser. They only note that something was found: a path is known from the outside alone."""

    def __init__(self) -> None:
        self.found = False

    def read_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        self.found = True
        repeating = _Repeating(value)
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                repeating.name = name
                break
            seen.add(name)
        return repeating

    def read_float(self, text: str) -> float:
        number = float(text)
        self.found = self.found or math.isinf(number)
        return number


def _point_out(value: Any, path: tuple[int | str, ...]) -> None:
    match value:
        case _Repeating():
            raise AmbiguityError("the same name stands twice in one object", (*path, value.name))
        case float() if math.isinf(value):
            raise AmbiguityError("the number is too large", path)
        case Mapping():
            for name, item in value.items():
                _point_out(item, (*path, name))
        case list():
            for index, item in enumerate(value):
                _point_out(item, (*path, index))
