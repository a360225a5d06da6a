"""What /openapi.json says of /v1/responses. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from addons.dialects.description import (
    COUNT,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    Description,
    RouteDescription,
    Schema,
    json_content,
    list_of,
    object_of,
    of_model,
    ref,
)
from addons.dialects.openai.description import ERROR, FORM, SCHEMAS
from addons.dialects.responses.schema import ResponseBody

_OBJECT: Final[Schema] = {"type": "object"}
_EXAMPLE: Final[Schema] = {"model": "GLM-4.6", "input": "Hello"}
_EVENTS: Final[Schema] = {
    "text/event-stream": {"example": "event: response.created\ndata: {…}\n\nevent: response.completed\ndata: {…}\n\n"}
}
_STATUSES: Final = ("completed", "incomplete", "failed", "in_progress")
_ID: Final[Schema] = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _asked(name: str, words: str, **schema: Any) -> Schema:
    return {"name": name, "in": "query", "description": words, "schema": schema}


_PAGE: Final = (
    _asked("limit", "Items of a page; 20 where it is left out.", type="integer", minimum=1, maximum=100),
    _asked("order", "`desc`, the newest first, where it is left out.", enum=["asc", "desc"]),
    _asked("after", "The last id of the page before.", type="string"),
)
_USAGE: Final = object_of(
    input_tokens=COUNT,
    input_tokens_details=object_of(cached_tokens=COUNT, cache_write_tokens=COUNT),
    output_tokens=COUNT,
    output_tokens_details=object_of(reasoning_tokens=COUNT),
    total_tokens=COUNT,
)
_SCHEMAS: Final[Mapping[str, Schema]] = {
    "Response": object_of(
        id=TEXT,
        object={"const": "response"},
        created_at=SECONDS,
        model=TEXT,
        status={"enum": list(_STATUSES)},
        output=list_of(_OBJECT),
        usage={"anyOf": [_USAGE, {"type": "null"}]},
        previous_response_id=TEXT_OR_NULL,
    ),
    "ResponseItems": object_of(
        object={"const": "list"},
        data=list_of(_OBJECT),
        has_more={"type": "boolean"},
        first_id=TEXT_OR_NULL,
        last_id=TEXT_OR_NULL,
    ),
    "ResponseDeleted": object_of(id=TEXT, object={"const": "response"}, deleted={"const": True}),
    "ResponseTokens": object_of(object={"const": "response.input_tokens"}, input_tokens=COUNT),
}


def description() -> Description:
    """Of the requests for answers, and of what is kept of these."""
    request, parts = of_model(ResponseBody)
    request["description"] = FORM
    body = json_content(ref("ResponseRequest"), example=_EXAMPLE)
    whole = json_content(ref("Response"))
    operations = {
        "responses": RouteDescription(
            "An answer, in the form that coding agents and the newer SDKs use.",
            whole | _EVENTS,
            "The answer; with `stream` true named events, of which the last has the whole answer. A stream that Codex "
            "asks for and does not get is a `response.failed`, which is the form that it stops at.",
            body,
        ),
        "responses_socket": RouteDescription("No web socket is served.", whole, "Never given.", errors=(404, 405)),
        "response_input_tokens": RouteDescription(
            "An estimate of a request's tokens.", json_content(ref("ResponseTokens")), request=body
        ),
        "response": RouteDescription("An answer that is kept.", whole, parameters=(_ID,), errors=(404,)),
        "response_deleted": RouteDescription(
            "An answer is kept no more.", json_content(ref("ResponseDeleted")), parameters=(_ID,), errors=(404,)
        ),
        "response_input_items": RouteDescription(
            "What an answer that is kept was asked with.",
            json_content(ref("ResponseItems")),
            parameters=(_ID, *_PAGE),
            errors=(404,),
        ),
        "response_cancelled": RouteDescription(
            "Refused: answers in the background are not served.",
            whole,
            "Never given.",
            parameters=(_ID,),
            errors=(404,),
        ),
    }
    return Description(operations, {"ResponseRequest": request, **parts, **_SCHEMAS, **SCHEMAS}, ERROR)
