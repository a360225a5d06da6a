from typing import Any

import pytest

from addons.features.tools.arguments import NOT_READ, arguments_of, coerced

SCHEMA = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "flag": {"type": "boolean"},
        "text": {"type": "string"},
        "maybe": {"type": ["integer", "null"]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "option": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "one_of": {"enum": [1, 2]},
        "list": {"type": "array", "items": {"type": "integer"}},
        "object": {"type": "object", "properties": {"count": {"type": "integer"}}},
        "point": {"$ref": "#/$defs/point"},
        "any": {},
    },
    "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"}}}},
}


@pytest.mark.parametrize(
    ("name", "said", "meant"),
    [
        ("count", "3", 3),
        ("count", " -3 ", -3),
        ("count", "3.5", "3.5"),
        ("count", "three", "three"),
        ("count", True, True),
        ("share", "2.5", 2.5),
        ("share", "1e3", 1000.0),
        ("share", "NaN", "NaN"),
        ("share", 1, 1),
        ("flag", "true", True),
        ("flag", "False", False),
        ("flag", "yes", "yes"),
        ("text", 5, "5"),
        ("text", {"a": 1}, '{"a":1}'),
        ("text", "7", "7"),
        ("text", None, None),
        ("maybe", "null", None),
        ("maybe", "4", 4),
        ("either", "4", "4"),
        ("option", "4", 4),
        ("one_of", "2", 2),
        ("list", "[1, '2']", [1, 2]),
        ("list", ["1", "x"], [1, "x"]),
        ("list", "1", "1"),
        ("object", '{"count": "1"}', {"count": 1}),
        ("object", {"count": "1", "more": "1"}, {"count": 1, "more": "1"}),
        ("point", {"x": "1.5"}, {"x": 1.5}),
        ("any", "1", "1"),
        ("unknown", "1", "1"),
    ],
)
def test_a_value_is_changed_only_where_its_type_does_not_fit_and_one_reading_does(
    name: str, said: Any, meant: Any
) -> None:
    given = {name: said}
    found = coerced(given, SCHEMA)[name]
    assert (found, type(found)) == (meant, type(meant))
    assert given == {name: said}


def test_a_schema_that_refers_to_itself_has_an_end() -> None:
    schema: dict[str, Any] = {"$ref": "#"}
    assert coerced({"a": "1"}, schema) == {"a": "1"}
    deep: Any = "1"
    for _ in range(100):
        deep = {"a": deep}
    assert coerced(deep, {"type": "object", "properties": {"a": {"$ref": "#"}}}) == deep


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        ("{'a': True,}", {"a": True}),
        (" ", {}),
        (None, {}),
        ("[1]", NOT_READ),
        (5, NOT_READ),
        ("words", NOT_READ),
    ],
)
def test_arguments_are_an_object_or_its_json(said: Any, found: Any) -> None:
    assert arguments_of(said) == found
