"""Whatever a schema asks for is filled so that it fits, from the words of the prompt where names match."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.sandbox.models.schema_filler import fill
from providers.sandbox.models.words import Words

NAMES = st.sampled_from(["city", "name", "count", "tags", "path", "value", "kind", "$odd", "a b"])


def strings() -> st.SearchStrategy[dict[str, Any]]:
    sizes = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(
        lambda two: {"minLength": two[0], "maxLength": sum(two)}
    )
    patterns = st.sampled_from(
        [
            r"^[A-Z]{3}-\d{4}$",
            r"^\+?[0-9]{7,15}$",
            r"^(foo|bar)+$",
            r"\d{3}",
            r"^[^\s@]+@[a-z]+\.com$",
            r"^#[0-9a-f]{6}$",
        ]
    )
    formats = st.sampled_from(["date-time", "date", "email", "uri", "uuid", "ipv4"])
    return st.one_of(
        st.just({"type": "string"}),
        sizes.map(lambda s: {"type": "string", **s}),
        patterns.map(lambda p: {"type": "string", "pattern": p}),
        formats.map(lambda f: {"type": "string", "format": f}),
    )


def numbers() -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.tuples(st.integers(-50, 50), st.integers(1, 40))
    return st.one_of(
        bounds.map(lambda b: {"type": "integer", "minimum": b[0], "maximum": sum(b)}),
        bounds.map(lambda b: {"type": "integer", "exclusiveMinimum": b[0], "exclusiveMaximum": sum(b) + 1}),
        bounds.map(lambda b: {"type": "number", "exclusiveMinimum": b[0], "exclusiveMaximum": sum(b)}),
        bounds.map(lambda b: {"type": "integer", "minimum": b[0], "multipleOf": b[1]}),
        bounds.map(lambda b: {"type": "number", "maximum": b[0], "multipleOf": 0.5}),
        st.just({"type": "number"}),
    )


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    members = st.lists(st.one_of(st.integers(-3, 3), st.text("ab", max_size=3), st.none()), min_size=1, max_size=4)
    return st.one_of(
        strings(),
        numbers(),
        members.map(lambda m: {"enum": m}),
        members.map(lambda m: {"const": m[0]}),
        st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}, {}]),
    )


def grown(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def objects(draw: st.DrawFn) -> dict[str, Any]:
        properties = draw(st.dictionaries(NAMES, inner, max_size=4))
        made: dict[str, Any] = {"type": "object", "properties": properties}
        says_what_is_required = draw(st.booleans())
        if properties and says_what_is_required:
            made["required"] = draw(st.lists(st.sampled_from(sorted(properties)), unique=True))
        match draw(st.integers(0, 3)):
            case 0:
                made["additionalProperties"] = False
            case 1:
                made |= {"additionalProperties": draw(inner), "minProperties": len(properties) + 1}
        return made

    @st.composite
    def arrays(draw: st.DrawFn) -> dict[str, Any]:
        least = draw(st.integers(0, 3))
        made: dict[str, Any] = {"type": "array", "items": draw(inner), "minItems": least}
        if draw(st.booleans()):
            made["maxItems"] = least + draw(st.integers(0, 2))
        if draw(st.booleans()):
            made |= {"items": {"type": draw(st.sampled_from(["string", "integer"]))}, "uniqueItems": True}
        return made

    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(objects(), arrays(), several.map(lambda s: {"anyOf": s}), inner.map(lambda s: {"allOf": [s]}))


@given(st.recursive(leaves(), grown, max_leaves=8), st.text(max_size=60))
@settings(max_examples=250, deadline=None)
def test_every_filled_value_fits_its_schema(schema: dict[str, Any], words: str) -> None:
    value = fill(schema, Words(words))
    assert jsonschema_rs.validator_for(schema).is_valid(value), value


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"const": 4}, "minItems": 2}}}, id="ref"
        ),
        pytest.param(
            {
                "$defs": {
                    "node": {
                        "type": "object",
                        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                        "required": ["next"],
                    }
                },
                "$ref": "#/$defs/node",
            },
            id="a tree that refers to itself",
        ),
        pytest.param({"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 5}]}, id="one of two that overlap"),
        pytest.param({"type": "string", "not": {"enum": ["sandbox", "yes"]}}, id="not"),
        pytest.param(
            {
                "type": "object",
                "properties": {"kind": {"enum": ["a", "b"]}},
                "required": ["kind"],
                "if": {"properties": {"kind": {"const": "a"}}},
                "then": {"required": ["x"]},
                "else": {"required": ["y"]},
            },
            id="if",
        ),
        pytest.param({"type": "object", "dependentRequired": {"a": ["b"]}, "required": ["a"]}, id="what follows"),
        pytest.param(
            {
                "type": "object",
                "patternProperties": {"^x-": {"type": "integer"}},
                "additionalProperties": False,
                "minProperties": 2,
            },
            id="names by a pattern",
        ),
        pytest.param(
            {"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}], "items": False}, id="a tuple"
        ),
        pytest.param(
            {"type": "array", "contains": {"const": "x"}, "items": {"type": "string"}, "minItems": 3}, id="holds"
        ),
        pytest.param(
            {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3}, id="all different"
        ),
        pytest.param(
            {
                "allOf": [{"properties": {"a": {"minimum": 3}}}, {"properties": {"a": {"type": "integer"}}}],
                "required": ["a"],
            },
            id="all of",
        ),
        pytest.param({"type": "string", "pattern": "^(\\d{3})-\\1$"}, id="a pattern that repeats itself"),
        pytest.param({"type": "string", "pattern": "^[a-f]+$", "minLength": 20}, id="a long one"),
    ],
)
def test_the_harder_parts_of_schemas_are_filled(schema: dict[str, Any]) -> None:
    value = fill(schema)
    assert jsonschema_rs.validator_for(schema).is_valid(value), value


@pytest.mark.parametrize(
    "schema", [{"allOf": [{"type": "string"}, {"type": "integer"}]}, {"not": {}}, {"enum": []}, {"$ref": "#"}]
)
def test_what_nothing_fits_is_filled_as_well_as_it_goes(schema: dict[str, Any]) -> None:
    fill(schema)


def test_values_come_from_the_words() -> None:
    properties = {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "city": {"type": "string"},
        "nickname": {"type": "string"},
    }
    schema = {"type": "object", "properties": properties, "required": ["name", "age", "unit", "city"]}
    value = fill(schema, Words("Extract: Jason is 25 years old and lives in Paris. Use Fahrenheit."))
    assert value == {"name": "Jason", "age": 25, "unit": "fahrenheit", "city": "Paris"}
