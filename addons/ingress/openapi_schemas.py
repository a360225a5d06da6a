"""The schemas of the OpenAPI description: requests as the dialects check them, answers as they write them.

The request schemas come from the models themselves. What those check in code is told here in JSON Schema's words.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from addons.accounts.health import Health
from addons.dialects.chat_completions.schema import STOPS_LIMIT, ChatBody
from addons.dialects.completions.dialect import CompletionBody

type Schema = dict[str, Any]

_TEMPLATE: Final = "#/components/schemas/{model}"
_SOLID: Final[Schema] = {"type": "string", "minLength": 1}

_WITH_FUNCTION: Final[Schema] = {
    "anyOf": [
        {"required": ["function"], "properties": {"function": {"type": "object"}}},
        {"required": ["type"], "properties": {"type": {"not": {"const": "function"}}}},
    ]
}
_IMAGE: Final[Schema] = {
    "anyOf": [
        _SOLID,
        {
            "type": "object",
            "required": ["url"],
            "properties": {"url": _SOLID, "detail": {"type": ["string", "null"]}},
        },
    ]
}
_CONTENT: Final[Schema] = {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1}]}

_RULES: Final[Mapping[str, Schema]] = {
    "ToolBody": _WITH_FUNCTION,
    # The type of a call is "function" when it is left out.
    "ToolCallBody": _WITH_FUNCTION,
    "PartBody": {
        "anyOf": [
            {"required": ["text"], "properties": {"type": {"const": "text"}, "text": {"type": "string"}}},
            {"required": ["image_url"], "properties": {"type": {"const": "image_url"}, "image_url": _IMAGE}},
            {"properties": {"type": {"not": {"enum": ["text", "image_url"]}}}},
        ]
    },
    "MessageBody": {
        "anyOf": [
            {"properties": {"role": {"const": "assistant"}}},
            {
                "required": ["content", "tool_call_id"],
                "properties": {"role": {"const": "tool"}, "content": _CONTENT, "tool_call_id": _SOLID},
            },
            {
                "required": ["content"],
                "properties": {"role": {"enum": ["system", "developer", "user", "function"]}, "content": _CONTENT},
            },
        ]
    },
}
"""What validators of the models add to their fields; by model."""

_TEXTS: Final[Schema] = {"type": "array", "maxItems": STOPS_LIMIT, "items": {"type": "string"}}
_STOP: Final[Schema] = {"anyOf": [{"type": "string"}, _TEXTS, {"type": "null"}]}
_FORM: Final = (
    "The form that every provider takes. An official API gets other values and fields too, and judges them itself."
)

_NOT_IN_COMPLETIONS: Final = frozenset({"messages"})
_NEUTRAL_IN_COMPLETIONS: Final[Mapping[str, Schema]] = {
    "suffix": {"enum": [None, ""]},
    "echo": {"enum": [None, False]},
    "best_of": {"enum": [None, 1]},
    "n": {"enum": [None, 1]},
    "logprobs": {"type": "null"},
    "tools": {"anyOf": [{"type": "null"}, {"type": "array", "maxItems": 0}]},
    "functions": {"anyOf": [{"type": "null"}, {"type": "array", "maxItems": 0}]},
}
"""Fields of the old form that a chat model cannot honour: only what changes nothing is taken."""


def request_schemas() -> dict[str, Schema]:
    """ChatRequest and CompletionRequest with the schemas they refer to, by name."""
    chat, parts = _of_model(ChatBody)
    chat["properties"]["stop"] = _STOP
    chat["description"] = _FORM
    old, _ = _of_model(CompletionBody)
    old["description"] = _FORM
    shared = {name: field for name, field in chat["properties"].items() if name not in _NOT_IN_COMPLETIONS}
    old["properties"] = {**shared, **old["properties"], **_NEUTRAL_IN_COMPLETIONS}
    for name, rule in _RULES.items():
        parts[name] |= rule
    return {"ChatRequest": chat, "CompletionRequest": old, **parts}


def _of_model(model: type[BaseModel]) -> tuple[Schema, dict[str, Schema]]:
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
        case {"$ref": str(ref), **rest} if (name := ref.rpartition("/")[2]) in plain:
            return _tidied(plain[name] | rest, plain)
        case dict():
            kept = {k: v for k, v in value.items() if not (k == "title" and isinstance(v, str))}
            if "default" in kept and kept["default"] is None:
                del kept["default"]
            return {k: _tidied(v, plain) for k, v in kept.items()}
        case list():
            return [_tidied(item, plain) for item in value]
    return value


def _object(**properties: Schema) -> Schema:
    """An object with all these fields; it may have more."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _closed(**properties: Schema) -> Schema:
    return {**_object(**properties), "additionalProperties": False}


_TEXT: Final[Schema] = {"type": "string"}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SECONDS: Final[Schema] = {"type": "integer", "description": "Unix seconds"}
_REASONS: Final = ("stop", "length", "tool_calls", "content_filter", "function_call")


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _answer(kind: str, choice: Schema) -> Schema:
    return _object(
        id=_TEXT,
        object={"const": kind},
        created=_SECONDS,
        model=_TEXT,
        choices=_list_of(choice),
        usage={"$ref": _TEMPLATE.format(model="Usage")},
    )


def answer_schemas() -> dict[str, Schema]:
    """Everything the gateway answers, by name."""
    message = _object(role={"const": "assistant"}, content=_TEXT_OR_NULL, refusal=_TEXT_OR_NULL)
    message["properties"] |= {"reasoning_content": _TEXT, "tool_calls": _list_of({"type": "object"})}
    health = {"type": "object", "required": ["status"], "properties": {}, "additionalProperties": False}
    health["properties"] = {
        "status": {"enum": ["ok", "degraded", "draining"]},
        "key": _TEXT,
        "accounts": _list_of(_object(provider=_TEXT, account=_TEXT, state={"enum": [state.value for state in Health]})),
        "problem": _TEXT,
    }
    chosen = {"index": _COUNT, "finish_reason": {"enum": list(_REASONS)}}
    old_chosen = {"index": _COUNT, "finish_reason": {"enum": ["stop", "length", "content_filter"]}}
    texts = _list_of(_TEXT)
    model = _closed(
        id=_TEXT,
        object={"const": "model"},
        created=_SECONDS,
        owned_by=_TEXT,
    )
    model["properties"] |= {
        "context_length": _COUNT,
        "architecture": _closed(input_modalities=texts, output_modalities=texts),
        "supported_parameters": texts,
    }
    return {
        "ChatCompletion": _answer("chat.completion", _object(**chosen, message=message)),
        "Completion": _answer(
            "text_completion", _object(**old_chosen, text=_TEXT, logprobs={"type": ["object", "null"]})
        ),
        "Usage": _object(prompt_tokens=_COUNT, completion_tokens=_COUNT, total_tokens=_COUNT),
        "Model": model,
        "ModelList": _closed(object={"const": "list"}, data=_list_of({"$ref": _TEMPLATE.format(model="Model")})),
        "Health": health,
        "Front": _object(name=_TEXT, version=_TEXT, base_url=_TEXT),
        "Error": _closed(error=_closed(message=_TEXT, type=_TEXT, param=_TEXT_OR_NULL, code=_TEXT_OR_NULL)),
    }
