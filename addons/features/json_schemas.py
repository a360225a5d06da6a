"""JSON schemas that clients give, made ready to judge what a model wrote. Pure.

The schemas are hostile: nothing is fetched for a `$ref`, patterns run on an engine that needs linear time, sizes are
bounded, and so is how often references let a part be evaluated.
"""

from collections.abc import Mapping
from typing import Any, Final

from addons.dialects.text import json_bytes
from addons.features.schema_cost import SchemaCost, TooCostly
from providers.formats.jsontext import dumps, loads

SCHEMA_BYTES: Final = 256 * 1024
"""Of one schema; the largest that coding agents send have some 10 KB."""
_TELL_CHARS: Final = 300


class BadSchema(ValueError):
    """A schema that cannot be used; the message says why, in words for the client."""


class JsonSchema:
    """A schema that is ready to be asked. Raises BadSchema where it is none, or too large."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        import jsonschema_rs  # here, since most requests bring no schema and it takes memory

        if len(dumps(schema)) > SCHEMA_BYTES:
            raise BadSchema(f"is larger than {SCHEMA_BYTES // 1024} KB")
        try:
            self._cost = SchemaCost(schema)
        except TooCostly as error:
            raise BadSchema(str(error)) from None
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(schema), offline=True, pattern_options=jsonschema_rs.RegexOptions()
            )
        except (ValueError, TypeError, RecursionError) as error:
            raise BadSchema(f"is no JSON schema: {_told(error)}") from None

    def fits(self, value: Any) -> bool:
        if not self._cost.is_bearable(value):
            return False
        try:
            return bool(self._validator.is_valid(value))
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can name and no UTF-8 has
            return bool(self._validator.is_valid(loads(json_bytes(value))))

    def flaw(self, value: Any) -> str | None:
        """What is wrong with a value, as a sentence a model can act on; None where nothing is."""
        if not self._cost.is_bearable(value):
            return "the value: it is nested too deep for a schema with so many alternatives"
        try:
            error = next(iter(self._validator.iter_errors(value)), None)
        except UnicodeEncodeError:
            error = next(iter(self._validator.iter_errors(loads(json_bytes(value)))), None)
        if error is None:
            return None
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        return f"{where.lstrip('.') or 'the value'}: {error.message[:_TELL_CHARS]}"


def _told(error: Exception) -> str:
    """What is wrong with a schema, and where in it, without the library's own way of saying that."""
    where = ".".join(str(part) for part in getattr(error, "instance_path", ()))
    words = str(getattr(error, "message", error)).partition("\n")[0][:_TELL_CHARS]
    return f"{where[:_TELL_CHARS]}: {words}" if where else words
