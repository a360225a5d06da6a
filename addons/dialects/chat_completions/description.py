"""What /openapi.json says of chat completions: the request as it is checked, the answer as it is written. Pure.

The request's schema comes from the models themselves. What those check in code is told here in JSON Schema's words.
"""

from collections.abc import Mapping
from typing import Final

from addons.dialects.chat_completions.schema import STOPS_LIMIT, ChatBody
from addons.dialects.description import COUNT, TEXT, TEXT_OR_NULL, Description, Schema, list_of, object_of, of_model
from addons.dialects.openai.description import (
    ERROR,
    FORM,
    MODEL_OPERATIONS,
    MODEL_SCHEMAS,
    SCHEMAS,
    answer_schema,
    generation,
)

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
_REASONS: Final = ("stop", "length", "tool_calls", "content_filter", "function_call")
_EXAMPLE: Final[Schema] = {"model": "GLM-4.6", "messages": [{"role": "user", "content": "Hello"}]}


def request_schema() -> tuple[Schema, dict[str, Schema]]:
    """The request's schema, and those that it refers to by name."""
    chat, parts = of_model(ChatBody)
    chat["properties"]["stop"] = _STOP
    chat["description"] = FORM
    for name, rule in _RULES.items():
        parts[name] |= rule
    return chat, parts


def _answer() -> Schema:
    message = object_of(role={"const": "assistant"}, content=TEXT_OR_NULL, refusal=TEXT_OR_NULL)
    message["properties"] |= {"reasoning_content": TEXT, "tool_calls": list_of({"type": "object"})}
    choice = object_of(index=COUNT, finish_reason={"enum": list(_REASONS)}, message=message)
    return answer_schema("chat.completion", choice)


def description() -> Description:
    """Of chat completions, and of the list of models beside it."""
    request, parts = request_schema()
    return Description(
        {
            "chat_completions": generation("A chat.", "ChatRequest", "ChatCompletion", _EXAMPLE),
            **MODEL_OPERATIONS,
        },
        {"ChatRequest": request, **parts, "ChatCompletion": _answer(), **SCHEMAS, **MODEL_SCHEMAS},
        ERROR,
    )
