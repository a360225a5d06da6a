"""What the descriptions of OpenAI's formats have in common: errors, usage, answers, the list of models. Pure."""

from collections.abc import Mapping
from typing import Final

from addons.dialects.description import (
    COUNT,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    RouteDescription,
    Schema,
    closed_object,
    json_content,
    list_of,
    object_of,
    ref,
)

ERROR: Final = "Error"
FORM: Final = (
    "The form that every provider takes. An official API gets other values and fields too, and judges them itself."
)
_TEXTS: Final = list_of(TEXT)
_MODEL: Final = closed_object(id=TEXT, object={"const": "model"}, created=SECONDS, owned_by=TEXT)
_MODEL["properties"] |= {
    "context_length": COUNT,
    "architecture": closed_object(input_modalities=_TEXTS, output_modalities=_TEXTS),
    "supported_parameters": _TEXTS,
}
SCHEMAS: Final[Mapping[str, Schema]] = {
    "Usage": object_of(prompt_tokens=COUNT, completion_tokens=COUNT, total_tokens=COUNT),
    ERROR: closed_object(error=closed_object(message=TEXT, type=TEXT, param=TEXT_OR_NULL, code=TEXT_OR_NULL)),
}
"""Of all these formats."""
_LIST: Final = closed_object(object={"const": "list"}, data=list_of(ref("Model")))
_LIST["properties"]["models"] = list_of({"type": "object", "description": "A model as Codex reads it."})
MODEL_SCHEMAS: Final[Mapping[str, Schema]] = {
    "Model": _MODEL,
    "ModelList": _LIST,
}
_MODEL_ID: Final[Schema] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "A model's name, in any case; a slash in it may stand as it is.",
    "schema": {"type": "string", "minLength": 1},
}
_ALL_MODELS: Final[Schema] = {
    "name": "all",
    "in": "query",
    "description": "`true`, `1` or `yes`: those too that no account can serve now.",
    "schema": {"type": "string"},
}
_FOR_CODEX: Final[Schema] = {
    "name": "client_version",
    "in": "query",
    "description": "As Codex asks: the list has `models` too, in its form.",
    "schema": {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,6}){0,3}$"},
}
MODEL_OPERATIONS: Final[Mapping[str, RouteDescription]] = {
    "models": RouteDescription(
        "The models that are served.", json_content(ref("ModelList")), parameters=(_ALL_MODELS, _FOR_CODEX)
    ),
    "model": RouteDescription("One model.", json_content(ref("Model")), parameters=(_MODEL_ID,), errors=(404,)),
}


def generation(summary: str, request: str, answer: str, example: Schema) -> RouteDescription:
    """The operation of a format in which models answer; `request` and `answer` are names of schemas."""
    return RouteDescription(
        summary,
        json_content(ref(answer)) | {"text/event-stream": {"example": "data: {…}\n\ndata: [DONE]\n\n"}},
        "The answer; with `stream` true its pieces as server-sent events, ending with `[DONE]`.",
        json_content(ref(request), example=example),
    )


def answer_schema(kind: str, choice: Schema) -> Schema:
    """A whole answer; `kind` is its `object`."""
    return object_of(
        id=TEXT, object={"const": kind}, created=SECONDS, model=TEXT, choices=list_of(choice), usage=ref("Usage")
    )
