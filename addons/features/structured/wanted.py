"""The JSON that a request asks for (`response_format`), and whether a value is such JSON. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import from_json

from addons.dialects.text import joined, json_bytes
from addons.errors import GatewayError
from addons.features.json_schemas import BadSchema, JsonSchema
from addons.features.tools.arguments import coerced
from providers.formats.jsontext import INVALID, dumps, loads

SCHEMA_PARAM: Final = "response_format.json_schema.schema"
_NOTHING: Final[Mapping[str, Any]] = {}
_NO_NUMBERS: Final = ("NaN", "Infinity")
"""Numbers that readers of JSON take, and strict ones do not."""


class WantedJson:
    """JSON of one kind. `told` is what it is asked for by: its schema as JSON, or "any object"."""

    def __init__(self, schema: Mapping[str, Any] | None = None, name: str = "", description: str = "") -> None:
        """Raises BadSchema. Without a schema any object will do."""
        self.name, self.description = name, description
        self.told = "any object" if schema is None else dumps(schema).decode()
        self.lists = schema is not None and _may_be_list(schema)
        """It may be a list: else a bracket begins nothing."""
        self._form = schema
        self._schema = None if schema is None else JsonSchema(schema)

    def of_text(self, text: str) -> str | None:
        """The JSON of a text that is JSON and nothing else: the same text, or what it wraps; None if neither fits."""
        value = loads(text.encode("utf-8", "surrogatepass"))
        if value is INVALID:
            return None
        if not _is_strict(text):
            return self.of_value(loads(json_bytes(value)))  # with null for what JSON has no number for
        return joined(text) if self._fits(value) else self.of_value(value)

    def of_value(self, value: Any) -> str | None:
        """The JSON of a value, or of what it wraps: models put an answer under a name of their own, into a string or a
        list. None if neither fits."""
        if (found := self._written(value)) is not None or (self._schema is None and isinstance(value, dict)):
            return found
        inner = value
        if isinstance(value, dict | list) and len(value) == 1:
            inner = next(iter(value.values() if isinstance(value, dict) else value))
        return self._written(loads(inner.encode("utf-8", "surrogatepass")) if isinstance(inner, str) else inner)

    def _written(self, value: Any) -> str | None:
        """A value as JSON, where it fits, if need be with its types mended ("3" for 3)."""
        if value is INVALID:
            return None
        if not self._fits(value):
            value = value if self._form is None else coerced(value, self._form)
        return json_bytes(value).decode() if self._fits(value) else None

    def flaw(self, value: Any) -> str:
        """What is wrong with a value that does not fit, as a sentence a model can act on."""
        if self._schema is None:
            return "the value is no object"
        return self._schema.flaw(value) or "the value does not fit"

    def _fits(self, value: Any) -> bool:
        return isinstance(value, dict) if self._schema is None else self._schema.fits(value)


def _is_strict(text: str) -> bool:
    """Whether JSON has no number in it that strict readers refuse."""
    if not any(word in text for word in _NO_NUMBERS):
        return True
    try:
        from_json(text.encode(), allow_inf_nan=False)
    except ValueError:
        return False
    return True


def _may_be_list(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind is None or kind == "array" or (isinstance(kind, list) and "array" in kind)


def wanted_json(response_format: Mapping[str, Any] | None) -> WantedJson | None:
    """What a `response_format` asks for; None where that is text.

    Raises GatewayError (400) naming what is wrong with it.
    """
    match (response_format or _NOTHING).get("type"):
        case "json_object":
            return WantedJson()
        case "json_schema":
            return _of_schema((response_format or _NOTHING).get("json_schema"))
        case None | "text":
            return None
    told = "response_format.type must be text, json_object or json_schema."
    raise GatewayError(400, told, param="response_format", code="unsupported_parameter")


def _of_schema(form: object) -> WantedJson:
    where = "response_format.json_schema"
    if not isinstance(form, Mapping):
        raise _bad(where, "must be an object with the keys name and schema")
    if not isinstance(strict := form.get("strict"), bool | None):
        raise _bad(f"{where}.strict", f"must be true or false, not {type(strict).__name__}")
    schema = form.get("schema")
    if not isinstance(schema, Mapping | None):
        raise _bad(SCHEMA_PARAM, "must be a JSON schema, an object")
    name, description = (text if isinstance(text := form.get(key), str) else "" for key in ("name", "description"))
    try:
        return WantedJson({"type": "object"} if schema is None else schema, name, description)
    except BadSchema as bad:
        raise _bad(SCHEMA_PARAM, str(bad)) from None


def _bad(param: str, why: str) -> GatewayError:
    return GatewayError(400, f"{param} {why}", param=param, code="invalid_schema" if param == SCHEMA_PARAM else None)
