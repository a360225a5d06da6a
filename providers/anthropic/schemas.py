"""A JSON Schema as the Messages form takes it for answers: objects closed, and without the bounds it does not know.

Source: docs.claude.com, structured outputs, JSON Schema limitations. What is left out is not demanded of the model; its
own SDKs do the same.
"""

from typing import Any, Final

_UNKNOWN: Final = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "$schema",
    }
)
_NAMED: Final = frozenset({"properties", "$defs", "definitions"})
"""Members whose own members are schemas by names."""
_PLAIN: Final = frozenset({"enum", "const", "default", "examples", "required"})
_DEPTH_LIMIT: Final = 64


def closed(schema: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """The schema with every object closed. What is nested too deep stays as it is, for the API to refuse."""
    if depth > _DEPTH_LIMIT:
        return schema
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _UNKNOWN or (name == "minItems" and value not in (0, 1)):
            continue
        found[name] = _inner(name, value, depth)
    if found.get("type") == "object" or "properties" in found:
        found["additionalProperties"] = False
    return found


def _inner(name: str, value: Any, depth: int) -> Any:
    if name in _PLAIN:
        return value
    if isinstance(value, dict):
        if name in _NAMED:
            return {key: closed(one, depth + 1) if isinstance(one, dict) else one for key, one in value.items()}
        return closed(value, depth + 1)
    if isinstance(value, list):
        return [closed(one, depth + 1) if isinstance(one, dict) else one for one in value]
    return value
