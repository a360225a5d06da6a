"""Schemas for answers as the form takes them."""

from typing import Any

from providers.anthropic.schemas import closed


def test_objects_are_closed_and_bounds_left_out_wherever_they_stand() -> None:
    schema = {
        "$schema": "x",
        "type": "object",
        "properties": {
            "minimum": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"properties": {"a": {"minimum": 1}}}},
            "b": {"anyOf": [{"type": "object"}, {"minLength": 2, "enum": [{"maximum": 1}]}]},
        },
        "$defs": {"c": {"type": "object", "additionalProperties": True}},
        "required": ["minimum"],
    }
    assert closed(schema) == {
        "type": "object",
        "properties": {
            "minimum": {
                "type": "array",
                "minItems": 1,
                "items": {"properties": {"a": {}}, "additionalProperties": False},
            },
            "b": {
                "anyOf": [
                    {"type": "object", "additionalProperties": False},
                    {"enum": [{"maximum": 1}]},
                ]
            },
        },
        "$defs": {"c": {"type": "object", "additionalProperties": False}},
        "required": ["minimum"],
        "additionalProperties": False,
    }


def test_what_is_nested_too_deep_stays_as_it_is() -> None:
    deep: dict[str, Any] = {"minimum": 1}
    for _ in range(5000):
        deep = {"not": deep}
    found = closed(deep)
    for _ in range(4999):
        found = found["not"]
    assert found == {"not": {"minimum": 1}}
