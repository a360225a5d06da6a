"""How a dialect describes itself in OpenAPI 3.1: its operations, and the schemas that they refer to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

type Schema = dict[str, Any]

_TEMPLATE: Final = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class RouteDescription:
    """What is done at a route. `content` values are OpenAPI's, by media type."""

    summary: str
    content: Schema
    """Of the answer."""
    answer: str = "The answer."
    """What the answer is, in words."""
    request: Schema | None = None
    """The content of the request's body, where it has one."""
    parameters: tuple[Schema, ...] = ()
    errors: tuple[int, ...] = ()
    """Statuses of refusals that are not every answer's of its kind."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the API's description says of a dialect."""

    operations: Mapping[str, RouteDescription]
    """By their ids: one for each of the dialect's routes."""
    schemas: Mapping[str, Schema]
    """By name. Dialects may give the same one under the same name."""
    error: str
    """The schema of its refusals and failures, by name."""


# -- schemas ----------------------------------------------------------------------------------------------------------
TEXT: Final[Schema] = {"type": "string"}
TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
SECONDS: Final[Schema] = {"type": "integer", "description": "Unix seconds"}


def ref(name: str) -> Schema:
    """A reference to a schema by its name."""
    return {"$ref": _TEMPLATE.format(model=name)}


def json_content(schema: Schema, **more: Any) -> Schema:
    """The content of a JSON body."""
    return {"application/json": {"schema": schema, **more}}


def object_of(**properties: Schema) -> Schema:
    """An object with all these fields; it may have more."""
    return {"type": "object", "required": list(properties), "properties": properties}


def closed_object(**properties: Schema) -> Schema:
    """An object with all these fields and no others."""
    return {**object_of(**properties), "additionalProperties": False}


def list_of(item: Schema) -> Schema:
    """A list of such items."""
    return {"type": "array", "items": item}


def of_model(model: type[BaseModel]) -> tuple[Schema, dict[str, Schema]]:
    """The model's schema, and those of the models in it; plain types that pydantic names are put in their places."""
    whole = model.model_json_schema(ref_template=_TEMPLATE)
    definitions: dict[str, Schema] = whole.pop("$defs", {})
    plain = {name: found for name, found in definitions.items() if "properties" not in found}
    parts = {name: _tidied(found, plain) for name, found in definitions.items() if name not in plain}
    tidied: Schema = _tidied(whole, plain)
    return tidied, parts


def _tidied(value: Any, plain: Mapping[str, Schema]) -> Any:
    """Without what pydantic adds of its own: titles, and defaults that only say that a field may be left out."""
    match value:
        case {"$ref": str(path), **rest} if (name := path.rpartition("/")[2]) in plain:
            return _tidied(plain[name] | rest, plain)
        case dict():
            kept = {k: v for k, v in value.items() if not (k == "title" and isinstance(v, str))}
            if "default" in kept and kept["default"] is None:
                del kept["default"]
            return {k: _tidied(v, plain) for k, v in kept.items()}
        case list():
            return [_tidied(item, plain) for item in value]
    return value
