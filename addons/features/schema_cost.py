"""How often a JSON schema is evaluated for one value: references let a small schema ask for more than any time. Pure.

Without references that is bounded by the schema's length; with them each level may double it, in place or with the
depth of the value.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from providers.formats.jsontext import dumps

IN_PLACE_LIMIT: Final = 5000
"""Evaluations for the value itself, nothing in it."""
EVALUATIONS: Final = 20_000
EVALUATIONS_A_VALUE: Final = 200
"""More for each value within the value: a list of many things may be long."""
EVALUATIONS_LIMIT: Final = 1_000_000
_PAIRS_LIMIT: Final = 200_000
"""Pairs of schema and value that are looked at."""
_REFERENCES: Final = (b'"$ref"', b'"$dynamicRef"', b'"$recursiveRef"')
_ONE: Final = ("not", "if", "then", "else")
_SEVERAL: Final = ("allOf", "anyOf", "oneOf")
_BY_NAME: Final = ("dependentSchemas", "dependencies")
_OF_ITEMS: Final = ("items", "additionalItems", "unevaluatedItems", "contains")
_OF_PROPERTIES: Final = ("additionalProperties", "unevaluatedProperties")
_UNEVALUATED: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_NOTHING: Final = object()
"""In the place of a value: in place alone is counted."""


class TooCostly(ValueError):
    """The schema is evaluated too often, or refers to what is not followed; the message says which."""


class SchemaCost:
    """The bound of one schema. Raises TooCostly where no value at all can be checked by it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        text = dumps(schema)
        self._refers = any(key in text for key in _REFERENCES)
        self._schema = schema
        if self._refers and _Count(schema, IN_PLACE_LIMIT).of(schema, _NOTHING) > IN_PLACE_LIMIT:
            raise TooCostly("has references that multiply too often")

    def is_bearable(self, value: Any) -> bool:
        """Whether a value can be checked: else it is nested too deep for what the schema asks of each level."""
        if not self._refers:
            return True
        most = min(EVALUATIONS + EVALUATIONS_A_VALUE * _size(value), EVALUATIONS_LIMIT)
        try:
            return _Count(self._schema, most).of(self._schema, value) <= most
        except TooCostly:
            return False


class _Count:
    """Counts the evaluations of one schema; each pair of a schema and a value once, so that it is linear in these."""

    def __init__(self, root: Mapping[str, Any], most: int) -> None:
        self._root, self._most = root, most
        self._id = "id" if "draft-04" in str(root.get("$schema")) else "$id"
        self._known: dict[tuple[int, int], int] = {}

    def of(self, schema: Any, value: Any) -> int:
        """Evaluations; any number beyond `most` where there are more. Raises TooCostly."""
        try:
            return self._of(schema, value)
        except RecursionError:
            raise TooCostly("is nested too deep") from None

    def _of(self, schema: Any, value: Any) -> int:
        if not isinstance(schema, Mapping):
            return 1
        pair = id(schema), id(value)
        if (known := self._known.get(pair)) is not None:
            return known
        if len(self._known) >= _PAIRS_LIMIT:
            raise TooCostly("has too many alternatives")
        self._known[pair] = self._most + 1  # who comes back here in the same place never ends
        count = 1 + sum(self._of(one, value) for one in self._in_place(schema))
        count += sum(self._of(one, item) for one, item in _within(schema, value))
        if schema.keys() & _UNEVALUATED:
            count *= 3  # all is evaluated again, for what it leaves
        self._known[pair] = count = min(count, self._most + 1)
        return count

    def _in_place(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        self._has_no_id(schema)
        if "$dynamicRef" in schema or "$recursiveRef" in schema:
            raise TooCostly("has references other than $ref")
        if (target := schema.get("$ref")) is not None:
            yield self._referenced(target)
        yield from (schema[key] for key in _ONE if key in schema)
        for key in _SEVERAL:
            if isinstance(several := schema.get(key), list):
                yield from several
        for key in _BY_NAME:
            if isinstance(named := schema.get(key), Mapping):
                yield from named.values()

    def _has_no_id(self, schema: Any) -> None:
        """Within a schema that has a name of its own references mean other places."""
        if schema is not self._root and isinstance(schema, Mapping) and isinstance(schema.get(self._id), str):
            raise TooCostly("has an $id in it, which references are not followed to")

    def _referenced(self, target: object) -> Any:
        if not isinstance(target, str) or (target != "#" and not target.startswith("#/")):
            raise TooCostly("refers to other places than its own (#/…), which are not looked up")
        found: Any = self._root
        for step in unquote(target).split("/")[1:]:
            self._has_no_id(found)
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and step.isascii() and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            elif isinstance(found, Mapping) and step in found:
                found = found[step]
            else:
                raise TooCostly("refers to what is not in it")
        return found


def _within(schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, Any]]:
    """The schemas that what is in a value is evaluated by."""
    if isinstance(value, dict):
        yield from _of_names(schema, value)
    elif isinstance(value, list):
        first = schema.get("prefixItems", schema.get("items"))
        if isinstance(first, list):
            yield from zip(first, value, strict=False)
        for key in _OF_ITEMS:
            if isinstance(one := schema.get(key), Mapping):
                yield from ((one, item) for item in value)


def _of_names(schema: Mapping[str, Any], value: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        yield from ((properties[name], item) for name, item in value.items() if name in properties)
    for key in _OF_PROPERTIES:
        if isinstance(one := schema.get(key), Mapping):
            yield from ((one, item) for item in value.values())
    yield from ((schema["propertyNames"], _NOTHING) for _ in value if "propertyNames" in schema)
    if isinstance(patterns := schema.get("patternProperties"), Mapping):
        yield from ((one, item) for one in patterns.values() for item in value.values())


def _size(value: Any) -> int:
    """The values in a value, with itself."""
    count, rest = 0, [value]
    while rest:
        count += 1
        one = rest.pop()
        rest += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return count
