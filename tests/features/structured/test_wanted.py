"""What a `response_format` asks for, what is wrong with one, and which values fit."""

import json
from typing import Any

import pytest

from addons.errors import GatewayError
from addons.features.structured.wanted import WantedJson, wanted_json

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}


def of_schema(schema: object, **more: object) -> WantedJson:
    found = wanted_json({"type": "json_schema", "json_schema": {"name": "city", "schema": schema, **more}})
    assert found
    return found


@pytest.mark.parametrize("form", [None, {}, {"type": "text"}, {"type": None}])
def test_other_forms_ask_for_no_json(form: Any) -> None:
    assert wanted_json(form) is None


@pytest.mark.parametrize("kind", ["grammar", "xml", ["json_object"], 3])
def test_a_form_that_is_not_known_is_refused_by_its_type(kind: Any) -> None:
    with pytest.raises(GatewayError) as caught:
        wanted_json({"type": kind})
    assert (caught.value.status, caught.value.param) == (400, "response_format")
    assert "text, json_object or json_schema" in caught.value.message


def test_any_object() -> None:
    wanted = wanted_json({"type": "json_object", "json_schema": 3})
    assert wanted
    assert wanted.told == "any object"
    assert wanted.of_text('{"a": {"b": 1}}') == '{"a": {"b": 1}}'
    assert wanted.of_text("[1]") is None
    assert wanted.of_text('[{"a": 1}]') == '{"a":1}'
    assert wanted.of_text('[{"a": 1}, {"b": 2}]') is None
    assert not wanted.lists


@pytest.mark.parametrize(
    ("form", "param"),
    [
        (None, "response_format.json_schema"),
        ("city", "response_format.json_schema"),
        ({"name": "city", "schema": "x"}, "response_format.json_schema.schema"),
        ({"name": "city", "schema": True}, "response_format.json_schema.schema"),
        ({"name": "city", "schema": {"type": "nonsense"}}, "response_format.json_schema.schema"),
        ({"name": "city", "schema": {"$ref": "http://127.0.0.1:1/x"}}, "response_format.json_schema.schema"),
        ({"name": "city", "schema": CITY, "strict": "yes"}, "response_format.json_schema.strict"),
    ],
)
def test_a_bad_schema_is_refused_by_its_name(form: object, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        wanted_json({"type": "json_schema", "json_schema": form})
    assert (caught.value.status, caught.value.param) == (400, param)
    assert param in caught.value.message


@pytest.mark.parametrize("more", [{}, {"strict": None}, {"strict": True}, {"name": 3, "description": ["x"]}])
def test_what_else_is_said_of_a_schema_refuses_nothing(more: dict[str, object]) -> None:
    assert json.loads(of_schema(CITY, **more).told) == CITY


def test_without_a_schema_any_object_does() -> None:
    wanted = wanted_json({"type": "json_schema", "json_schema": {"name": "x"}})
    assert wanted
    assert wanted.of_text("{}") == "{}"
    assert wanted.of_text("3") is None


@pytest.mark.parametrize("schema", [{"type": "array"}, {}, {"anyOf": [{}]}, {"type": ["object", "array"]}])
def test_where_a_list_may_be_meant(schema: Any) -> None:
    assert of_schema(schema).lists
    assert not of_schema(CITY).lists


@pytest.mark.parametrize(
    ("text", "json_text"),
    [
        ('{"city": "Rome"}', '{"city": "Rome"}'),
        (' {"city" :"Rome","days":3.0}', ' {"city" :"Rome","days":3.0}'),
        ('{"City": {"city": "Rome"}}', '{"city":"Rome"}'),
        ('{"answer": "{\\"city\\": \\"Rome\\"}"}', '{"city":"Rome"}'),
        ('"{\\"city\\": \\"Rome\\"}"', '{"city":"Rome"}'),
        ('{"city": "Rome", "days": "3"}', '{"city":"Rome","days":3}'),
        ('{"city": ["Rome"], "days": "three"}', None),
        ("{}", None),
        ('{"city": "Rome", "more": 1}', None),
        ('{"city": "Rome"', None),
        ('{"a": {"city": "Rome"}, "b": 1}', None),
    ],
)
def test_what_fits_a_schema(text: str, json_text: str | None) -> None:
    assert of_schema(CITY).of_text(text) == json_text


def test_what_no_strict_reader_takes_is_written_anew() -> None:
    wanted = of_schema({"type": "object", "properties": {"n": {"type": ["number", "null"]}, "s": {"type": "string"}}})
    assert wanted.of_text('{"n": NaN}') == '{"n":null}'
    assert wanted.of_text('{"s": "NaN"}') == '{"s": "NaN"}'
    assert wanted.of_text('{"s": 1e999, "n": Infinity}') is None
    half = wanted.of_text('{"s": "\ud83d"}')
    assert half is not None
    json.loads(half.encode())
    numbers = of_schema({"type": "object", "properties": {"n": {"type": "number"}}})
    assert numbers.of_text('{"n": -Infinity}') is None


def test_a_flaw_is_told_so_that_a_model_can_mend_it() -> None:
    assert "city: 3 is not of type" in of_schema(CITY).flaw({"city": 3})
    assert "no object" in WantedJson().flaw([1])
