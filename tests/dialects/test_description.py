"""Descriptions of dialects: every route has its operation, every reference its schema."""

import json

import pytest
from pydantic import BaseModel

from addons.dialects.base import Dialect
from addons.dialects.description import closed_object, of_model, ref
from addons.dialects.registry import DIALECTS


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_description_is_whole(dialect: Dialect) -> None:
    told = dialect.description()
    assert set(told.operations) == {route.operation for route in dialect.routes}
    assert told.error in told.schemas
    parts = [told.schemas, *(vars_of for one in told.operations.values() for vars_of in (one.content, one.request))]
    used = {piece.split('"')[0] for piece in json.dumps(parts).split("#/components/schemas/")[1:]}
    assert used <= set(told.schemas)


def test_dialects_give_the_same_schema_under_the_same_name() -> None:
    seen: dict[str, object] = {}
    for dialect in DIALECTS:
        for name, schema in dialect.description().schemas.items():
            assert seen.setdefault(name, schema) == schema


def test_a_models_schema_is_without_titles_and_empty_defaults() -> None:
    class Inner(BaseModel):
        word: str | None = None

    class Outer(BaseModel):
        title: str
        inner: Inner
        count: int = 3

    schema, parts = of_model(Outer)
    assert schema["properties"]["title"] == {"type": "string"}
    assert (schema["properties"]["count"]["default"], schema["properties"]["inner"]) == (3, ref("Inner"))
    assert parts == {
        "Inner": {"type": "object", "properties": {"word": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}
    }


def test_a_closed_object_has_no_other_fields() -> None:
    assert closed_object(a=ref("X"))["additionalProperties"] is False
