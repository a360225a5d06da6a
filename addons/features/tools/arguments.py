"""Arguments of a tool call as a model wrote them, made to fit the tool's JSON schema. Pure.

A value is changed only where its type does not fit and one other reading does: "3" where a number is due, "true" where
a boolean, JSON in a string where an object or a list; and JSON text of whatever stands where only a string may.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from addons.features.broken_json import read_json
from providers.formats.jsontext import dumps

_DEPTH_LIMIT: Final = 24
_OPTIONS_LIMIT: Final = 32
"""Alternatives of one schema that are looked at."""
_ALL_OPTIONS_LIMIT: Final = 128
"""With those that they have themselves."""
_INTEGER: Final = re.compile(r"-?\d{1,300}")
_WORDS: Final[Mapping[str, bool | None]] = {
    "true": True, "True": True, "false": False, "False": False, "null": None, "None": None,
}  # fmt: skip
NOT_READ: Final = object()
"""What `arguments_of` gives for text that holds no object; never equal to a value."""


def arguments_of(said: Any, read: Callable[[str], Any] = read_json) -> Any:
    """The object of arguments that a model gave: an object, JSON text of one, or nothing at all; NOT_READ otherwise."""
    if isinstance(said, str):
        if not said.strip():
            return {}
        said = read(said)
    elif said is None:
        return {}
    return said if isinstance(said, dict) else NOT_READ


def coerced(value: Any, schema: Any, read: Callable[[str], Any] = read_json) -> Any:
    """The value, with what does not fit its schema's types read as what does. Nothing is changed in place.

    `read` gives the value of a text that may be JSON, or None.
    """
    return _coerced(value, schema, _Whole(schema if isinstance(schema, Mapping) else {}, read), 0)


class _Whole(NamedTuple):
    """The whole schema, for references in it, and what reads JSON."""

    schema: Mapping[str, Any]
    read: Callable[[str], Any]


def _coerced(value: Any, schema: Any, whole: _Whole, depth: int) -> Any:
    options = list(islice(_options(schema, whole.schema, 0), _ALL_OPTIONS_LIMIT))
    if depth > _DEPTH_LIMIT or not options:
        return value
    types = {kind for option in options for kind in _types(option)}
    if types and type_of(value) not in types and not (type_of(value) == "integer" and "number" in types):
        value = _from_text(value, types, whole.read) if isinstance(value, str) else _as_text(value, types)
    if isinstance(value, dict):
        return _object(value, options, whole, depth)
    if isinstance(value, list):
        items = [option["items"] for option in options if isinstance(option.get("items"), Mapping)]
        return [_coerced(item, items[0], whole, depth + 1) for item in value] if len(items) == 1 else value
    return value


def type_of(value: Any) -> str:
    """The name that JSON schema has for the type of a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def takes_any_string(schema: Any) -> bool:
    """Whether a schema says outright that a value is a string: nothing about one could be read anew."""
    return isinstance(schema, Mapping) and schema.get("type") == "string" and not schema.keys() & _COMBINED


_COMBINED: Final = frozenset({"$ref", "anyOf", "oneOf", "allOf"})


def _object(value: dict[str, Any], options: list[Mapping[str, Any]], whole: _Whole, depth: int) -> Any:
    of_objects = [option for option in options if option.keys() & {"properties", "additionalProperties"}]
    if len(of_objects) != 1:
        return value
    known, others = of_objects[0].get("properties"), of_objects[0].get("additionalProperties")
    known = known if isinstance(known, Mapping) else {}
    return {name: _coerced(item, known.get(name, others), whole, depth + 1) for name, item in value.items()}


def _options(schema: Any, root: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """The schemas that a value may fit, alternatives and local references followed."""
    if not isinstance(schema, Mapping) or depth > 4:
        return
    if isinstance(target := schema.get("$ref"), str):
        yield from _options(_referenced(target, root), root, depth + 1)
        return
    found = False
    for kind in ("anyOf", "oneOf", "allOf"):
        listed = schema.get(kind)
        for option in listed[:_OPTIONS_LIMIT] if isinstance(listed, list) else ():
            found = True
            yield from _options(option, root, depth + 1)
    if not found or "type" in schema or "properties" in schema:
        yield schema


def _referenced(target: str, root: Mapping[str, Any]) -> Any:
    """What a reference within the same schema points at (`#/$defs/x`)."""
    if not target.startswith("#"):
        return None
    found: Any = root
    for step in target[1:].split("/")[1 : _DEPTH_LIMIT + 1]:
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _types(option: Mapping[str, Any]) -> Iterator[str]:
    """The types that a schema allows, told outright or by its values; nothing where it allows all."""
    said = option.get("type")
    if isinstance(said, str):
        yield said
    elif isinstance(said, list):
        yield from (kind for kind in said if isinstance(kind, str))
    elif isinstance(option.get("enum"), list):
        yield from map(type_of, option["enum"][:_OPTIONS_LIMIT])
    elif "const" in option:
        yield type_of(option["const"])
    elif isinstance(option.get("properties"), Mapping):
        yield "object"


def _as_text(value: Any, types: set[str]) -> Any:
    """A value where nothing but a text may stand, as its JSON; else as it is."""
    return dumps(value).decode() if types <= {"string", "null"} and value is not None else value


def _from_text(text: str, types: set[str], read: Callable[[str], Any]) -> Any:
    """A text as a value of the right types, where it can be read as one; else as it is."""
    bare = text.strip()
    if _INTEGER.fullmatch(bare) and types & {"integer", "number"}:
        return int(bare)
    if bare in _WORDS and type_of(_WORDS[bare]) in types:
        return _WORDS[bare]
    if "number" in types and (number := _number(bare)) is not None:
        return number
    if bare[:1] in ("{", "[") and types & {"object", "array"}:
        found = read(bare)
        if found is not None and type_of(found) in types:
            return found
    return text


def _number(bare: str) -> float | None:
    try:
        found = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, float) and abs(found) < float("inf") else None
