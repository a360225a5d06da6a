"""The JSON schema of config.yaml, for editors (yaml-language-server), made of the models that check it. Pure.

It is wider than the check in one way: `${NAME}` may stand for any value, as it is known only when the file is read.
"""

from typing import Any, Final

from addons.config.provider_keys import ProviderCommon
from addons.config.schema import Sections
from providers.registry import provider_class, type_names

_VARIABLE: Final = {"type": "string", "pattern": r"\$\{"}
_INSTEAD: Final = (_VARIABLE, {"type": "null"})
_SPAN: Final = {"type": "string", "pattern": r"^[0-9.]+ ?(ms|s|min|m|h|d)?$"}
_LEFT_OUT: Final = frozenset({"title", "default", "format", "ge", "gt", "le", "lt", "minLength", "writeOnly"})
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """The schema as a JSON value."""
    definitions: dict[str, Any] = {}
    whole = _of_model(Sections, definitions)
    common = _of_model(ProviderCommon, definitions)
    kinds = []
    for name in type_names():
        own = _of_model(provider_class(name).Options, definitions, f"{name}.")
        properties = {**common["properties"], **own["properties"], "type": {"const": name}}
        kinds.append({"type": "object", "properties": properties, "required": ["type", "accounts"], **_NO_MORE})
    whole["properties"]["providers"] = {
        "description": "The sites and APIs, each under a name of its own.",
        "type": "object",
        "additionalProperties": {"anyOf": kinds},
    }
    return {"$schema": _DRAFT, "title": "Glassgate's config.yaml", **whole, "$defs": definitions}


_NO_MORE: Final = {"additionalProperties": False}


def _of_model(model: Any, definitions: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    made = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}", mode="validation")
    for name, one in made.pop("$defs", {}).items():
        definitions[prefix + name] = _relaxed(one)
    relaxed: dict[str, Any] = _relaxed(made)
    return relaxed


def _relaxed(schema: Any) -> Any:
    """As a person may write it: a variable for a value, nothing for the default, one entry for a list of it, a name
    alone for an entry."""
    if isinstance(schema, list):
        return [_relaxed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _relaxed(value) for key, value in schema.items() if key not in _LEFT_OUT and key != "properties"}
    if "properties" in schema:  # its keys are names of config.yaml's
        named = schema["properties"].items()
        made["properties"] = {name: {"anyOf": [_relaxed(one), *_INSTEAD]} for name, one in named}
    if made.get("type") == "array":
        entry = {"anyOf": [made.get("items", {}), {"type": "string"}]}
        return {"anyOf": [{**made, "items": entry}, entry, {"type": "object"}]}
    if made.get("type") == "boolean":
        return {"enum": [True, False, "yes", "no", "on", "off"]}
    if made.get("type") in ("number", "integer"):
        return {"anyOf": [made, _SPAN]}
    return made
