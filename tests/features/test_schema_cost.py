"""Schemas whose references multiply are refused, or values that would make them, before anything is evaluated."""

from typing import Any

import pytest

from addons.features.json_schemas import BadSchema, JsonSchema
from addons.features.schema_cost import SchemaCost, TooCostly
from addons.features.tools.arguments import coerced


def fan(kind: str, levels: int, width: int = 2) -> dict[str, Any]:
    """Definitions each of which asks the next one `width` times."""
    found = {f"d{at}": {kind: [{"$ref": f"#/$defs/d{at + 1}"}] * width} for at in range(levels)}
    return {**found, f"d{levels}": {"type": "string"}}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


TREE: dict[str, Any] = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
        }
    },
    "type": "object",
    "properties": {"root": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
}


@pytest.mark.parametrize("kind", ["anyOf", "allOf", "oneOf"])
def test_references_that_multiply_in_place_are_refused(kind: str) -> None:
    with pytest.raises(BadSchema, match="multiply"):
        JsonSchema({"type": "object", "$defs": fan(kind, 30), kind: [{"$ref": "#/$defs/d0"}]})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"not": {"$ref": "#"}},
        {"$dynamicRef": "#x", "$dynamicAnchor": "x"},
        {"$ref": "#x", "$defs": {"x": {"$anchor": "x"}}},
        {"$ref": "#/$defs/none"},
        {"$defs": {"e": {"$id": "http://e/", "$defs": {"x": {}}}}, "$ref": "#/$defs/e/$defs/x"},
        {"$defs": {"e": {"$id": "http://e/"}}, "$ref": "#/$defs/e"},
    ],
    ids=["itself", "each other", "negated", "dynamic", "anchor", "missing", "within another name", "another name"],
)
def test_references_that_lead_in_circles_or_are_not_followed_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(TooCostly):
        SchemaCost(schema)


def test_what_evaluates_all_again_counts() -> None:
    levels = {f"d{at}": {"$ref": f"#/$defs/d{at + 1}", "unevaluatedProperties": False} for at in range(30)}
    with pytest.raises(TooCostly):
        SchemaCost({"$defs": {**levels, "d30": {}}, "$ref": "#/$defs/d0"})


def test_a_value_that_multiplies_references_does_not_fit() -> None:
    one: dict[str, Any] = {"$ref": "#"}
    schema = JsonSchema({"type": "object", "properties": {"a": {"anyOf": [one, one]}}})
    assert schema.fits(nested(3))
    assert not schema.fits(nested(60))
    assert "nested too deep" in (schema.flaw(nested(60)) or "")


def test_alternatives_within_a_property_do_not_multiply() -> None:
    form = {"type": "object", "$defs": fan("anyOf", 5, 32), "properties": {"a": {"$ref": "#/$defs/d0"}}}
    assert not JsonSchema(form).fits({"a": "x"})
    assert coerced({"a": [1] * 100}, form) == {"a": [1] * 100}


def test_trees_and_long_lists_of_them_are_checked() -> None:
    schema = JsonSchema(TREE)
    leaf = {"name": "x", "children": []}
    assert schema.fits({"root": {"name": "r", "children": [{"name": "c", "children": [leaf] * 50}] * 100}})
    deep: dict[str, Any] = leaf
    for _ in range(40):
        deep = {"name": "x", "children": [deep]}
    assert schema.fits({"root": deep})
    assert not schema.fits({"root": {"name": 3}})


def test_properties_may_be_called_like_keywords() -> None:
    assert JsonSchema({"properties": {"$ref": {"type": "string"}, "$id": {"$ref": "#/properties/$ref"}}}).fits(
        {"$id": "x"}
    )
