"""Schemas made flat."""

from typing import Any

import pytest

from providers.sandbox.models.schema_merging import Schemas, kinds_of, merged


def flat(schema: dict[str, Any], way: int = 0) -> dict[str, Any]:
    return Schemas(schema).flat(schema, lambda options, nulls: min(way, options - 1))


def test_references_and_combinations_become_one_object() -> None:
    schema = {"$ref": "#/$defs/a~1b", "minimum": 2, "$defs": {"a/b": {"type": "integer", "minimum": 1}}}
    assert {k: v for k, v in flat(schema).items() if k != "$defs"} == {"type": "integer", "minimum": 2}
    assert flat({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1) == {"type": "null"}
    assert flat({"if": {"minimum": 1}, "then": {"maximum": 2}, "else": {"maximum": 0}}, 1) == {"maximum": 0}


@pytest.mark.parametrize(
    ("reference", "target"),
    [("#", "root"), ("#/$defs/a", {"$anchor": "here"}), ("#here", {"$anchor": "here"}), ("#/no", True), ("#/l/1", 2),
     ("#/l/x/y", True), ("https://example.com/x", True)],
)  # fmt: skip
def test_references_name_places_of_the_document(reference: str, target: Any) -> None:
    root = {"$defs": {"a": {"$anchor": "here"}}, "l": [1, 2]}
    assert Schemas(root).target(reference) == (root if target == "root" else target)


def test_what_both_ask_for() -> None:
    one = {"type": ["string", "null"], "minLength": 1, "maxLength": 9, "enum": ["a", "b"], "required": ["x"]}
    other = {"type": "string", "minLength": 2, "maxLength": 5, "enum": ["b", "c"], "required": ["y"]}
    both = {"type": ["string"], "minLength": 2, "maxLength": 5, "enum": ["b"], "required": ["x", "y"]}
    assert merged(one, other) == both
    assert merged({"properties": {"a": {}}}, {"properties": {"a": {"const": 1}, "b": {}}})["properties"] == {
        "a": {"allOf": [{}, {"const": 1}]},
        "b": {},
    }
    assert merged({"items": False}, {"items": {}})["items"] is False
    assert merged({"multipleOf": 2}, {"multipleOf": 3})["multipleOf"] == 6
    assert merged({"type": "number"}, {"type": "integer"})["type"] == "integer"


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [({"type": ["null", "string"]}, ["string", "null"]), ({"required": []}, ["object"]), ({"items": {}}, ["array"]),
     ({"maximum": 1}, ["number"]), ({"format": "date"}, ["string"]), (True, ["string"])],
)  # fmt: skip
def test_the_types_of_a_schema(schema: Any, kinds: list[str]) -> None:
    assert kinds_of(schema) == kinds
