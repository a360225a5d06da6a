"""JSON schemas made flat: references followed, `allOf` and the chosen branches put together into one object. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_MOST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_LEAST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_APPLIED: Final = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else")
_OBJECT: Final = ("properties", "required", "additionalProperties", "minProperties", "patternProperties")
_ARRAY: Final = ("items", "prefixItems", "minItems", "contains", "uniqueItems")
_STRING: Final = ("pattern", "minLength", "maxLength", "format")
_NUMBER: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")

type Branch = Callable[[int, Sequence[int]], int]
"""How many branches there are, and which of them are null → the one to take."""


class Schemas:
    """One document of schemas."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def flat(self, schema: Any, branch: Branch, depth: int = 0) -> dict[str, Any]:
        """The schema without references and combinations."""
        if not isinstance(schema, Mapping) or depth > 30:
            return {}
        parts: list[Any] = []
        for name in ("$ref", "$dynamicRef"):
            if isinstance(schema.get(name), str):
                parts.append(self.target(schema[name]))
        parts += schema.get("allOf") or ()
        for name in ("anyOf", "oneOf"):
            if branches := schema.get(name):
                nulls = [
                    at for at, one in enumerate(branches) if isinstance(one, Mapping) and one.get("type") == "null"
                ]
                parts.append(branches[branch(len(branches), nulls)])
        if "if" in schema:
            way = branch(2, ())
            parts += [schema["if"], schema.get("then", True)] if way == 0 else [schema.get("else", True)]
        made = {name: value for name, value in schema.items() if name not in _APPLIED}
        for part in parts:
            made = merged(made, self.flat(part, branch, depth + 1))
        for name, extra in (made.get("dependentSchemas") or {}).items():
            if name in (made.get("required") or ()):
                made = merged(made, self.flat(extra, branch, depth + 1))
        return made

    def target(self, reference: str) -> Any:
        """What a reference names inside of this document; everything where it names nothing there."""
        if reference in ("#", ""):
            return self.root
        if not reference.startswith("#/"):
            return self._anchored(self.root, reference.removeprefix("#"))
        found: Any = self.root
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~").replace("%25", "%").replace("%20", " ")
            if isinstance(found, Mapping):
                found = found.get(name, True)
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                return True
        return found

    def _anchored(self, schema: Any, anchor: str) -> Any:
        if isinstance(schema, Mapping):
            if anchor and anchor in (schema.get("$anchor"), schema.get("$dynamicAnchor"), schema.get("$id")):
                return schema
            for one in schema.values():
                if (found := self._anchored(one, anchor)) is not True:
                    return found
        return True

    @staticmethod
    def of_patterns(schema: Mapping[str, Any], name: str) -> list[Any]:
        """The schemas of `patternProperties` that a name falls under."""
        found = []
        for pattern, inner in (schema.get("patternProperties") or {}).items():
            try:
                if re.search(pattern, name):
                    found.append(inner)
            except re.error:
                continue
        return found


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that asks for what both ask for, as far as one object can say it."""
    made = dict(one)
    for name, value in other.items():
        if name not in made:
            made[name] = value
        elif name in _MOST:
            made[name] = max(made[name], value)
        elif name in _LEAST:
            made[name] = min(made[name], value)
        elif name == "required":
            made[name] = list(dict.fromkeys([*made[name], *value]))
        elif name in ("properties", "patternProperties"):
            both = {k: {"allOf": [made[name][k], v]} if k in made[name] else v for k, v in value.items()}
            made[name] = {**made[name], **both}
        elif name in ("dependentRequired", "dependentSchemas", "$defs", "definitions"):
            made[name] = {**made[name], **value}
        elif name == "enum":
            made[name] = [member for member in made[name] if member in value] or made[name]
        elif name == "type":
            made[name] = _both_types(made[name], value)
        elif name in ("items", "additionalProperties", "contains", "propertyNames"):
            made[name] = _both(made[name], value)
        elif name == "multipleOf":
            made[name] = made[name] * value if made[name] % value and value % made[name] else max(made[name], value)
        elif name == "uniqueItems":
            made[name] = bool(made[name]) or bool(value)
    return made


def _both(one: Any, other: Any) -> Any:
    if one is False or other is False:
        return False
    return other if one is True else one if other is True else {"allOf": [one, other]}


def _both_types(one: Any, other: Any) -> Any:
    first, second = ([t] if isinstance(t, str) else list(t) for t in (one, other))
    if "integer" in (*first, *second) and {"integer", "number"} <= {*first, *second}:
        return "integer"
    return [kind for kind in first if kind in second] or one


def kinds_of(schema: Any) -> list[str]:
    """The types that a flat schema allows, a null last; what it speaks of where it names none."""
    if not isinstance(schema, Mapping):
        return ["string"]
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return [kinds]
    if isinstance(kinds, list) and kinds:
        return sorted(kinds, key=lambda kind: kind == "null")
    for kind, names in (("object", _OBJECT), ("array", _ARRAY), ("string", _STRING), ("number", _NUMBER)):
        if any(name in schema for name in names):
            return [kind]
    return ["string"]
