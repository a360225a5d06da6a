"""Schemas of clients: what fits, what is wrong with what does not, and that a hostile one is harmless."""

from typing import Any

import pytest

from addons.features.json_schemas import SCHEMA_BYTES, BadSchema, JsonSchema

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 1}, "days": {"type": "array", "items": {"type": "integer"}}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("value", [{"city": "Rome"}, {"city": "Rome", "days": [1, 2]}])
def test_what_fits(value: Any) -> None:
    assert JsonSchema(CITY).fits(value)
    assert JsonSchema(CITY).flaw(value) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, '"city" is a required property'),
        ({"city": 3}, "city: 3 is not of type"),
        ({"city": "Rome", "days": [1, "x"]}, 'days[1]: "x" is not of type'),
        ([], "the value: [] is not of type"),
    ],
)
def test_what_does_not_is_told_with_its_place(value: Any, words: str) -> None:
    assert not JsonSchema(CITY).fits(value)
    assert words in (JsonSchema(CITY).flaw(value) or "")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:1/x"},
        {"$ref": "file:///etc/passwd"},
        {"pattern": "(?=a)b"},
        {"description": "x" * SCHEMA_BYTES},
        {"enum": "no list"},
    ],
    ids=["type", "http", "file", "look-ahead", "size", "enum"],
)
def test_what_is_no_usable_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(BadSchema):
        JsonSchema(schema)


def test_a_refusal_has_the_place_and_one_line() -> None:
    with pytest.raises(BadSchema, match="is no JSON schema") as caught:
        JsonSchema({"properties": {"a": {"type": "objekt"}}})
    assert str(caught.value).startswith('is no JSON schema: properties.a.type: "objekt" is not')
    assert "\n" not in str(caught.value)
    assert "On instance" not in str(caught.value)


def test_a_pattern_that_explodes_elsewhere_takes_linear_time_here() -> None:
    assert not JsonSchema({"type": "string", "pattern": "^(a+)+$"}).fits("a" * 50_000 + "b")
