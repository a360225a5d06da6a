"""What /openapi.json says of Anthropic's Messages: the request, the answer, the errors. Pure."""

from typing import Final

from addons.dialects.description import (
    COUNT,
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
from addons.dialects.messages.schema import CountBody, MessagesBody

ERROR: Final = "MessagesError"
_FORM: Final = (
    "The form that every provider takes. An API of the same form gets other values and fields too, and judges them "
    "itself; fields that nobody knows are not refused."
)
_EXAMPLE: Final[Schema] = {"model": "GLM-4.6", "max_tokens": 1024, "messages": [{"role": "user", "content": "Hello"}]}
_STREAM: Final[Schema] = {"text/event-stream": {"example": "event: message_start\ndata: {…}\n\n…"}}
_REASONS: Final = ("end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal")
_MODEL_ID: Final[Schema] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "A model's name, in any case; a slash in it may stand as it is.",
    "schema": {"type": "string", "minLength": 1},
}
_REST: Final[Schema] = {"name": "rest", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def description() -> Description:
    """Of all that the dialect serves, at both of its places."""
    request, parts = of_model(MessagesBody)
    count, _ = of_model(CountBody)
    request["description"] = count["description"] = _FORM
    told = json_content(ref("Message")) | _STREAM
    asked = json_content(ref("MessagesRequest"), example=_EXAMPLE)
    ask = RouteDescription(
        "A message, in Anthropic's form.",
        told,
        "The message; with `stream` true its named events, ending with `message_stop`.",
        asked,
    )
    counting = RouteDescription(
        "How many tokens a message would be, by the gateway's estimate.",
        json_content(object_of(input_tokens=COUNT)),
        request=json_content(ref("CountRequest"), example={k: v for k, v in _EXAMPLE.items() if k != "max_tokens"}),
    )
    models = RouteDescription("The models that are served, in Anthropic's form.", json_content(ref("MessagesModels")))
    one = RouteDescription(
        "One model, in Anthropic's form.",
        json_content(ref("MessagesModel")),
        parameters=(_MODEL_ID,),
        errors=(404,),
    )
    nothing = RouteDescription("Not served.", json_content(ref(ERROR)), errors=(404,))
    rest = RouteDescription("Not served.", json_content(ref(ERROR)), parameters=(_REST,), errors=(404,))
    return Description(
        {
            "messages": ask,
            "anthropic_messages": ask,
            "count_tokens": counting,
            "anthropic_count_tokens": counting,
            "messages_models": models,
            "messages_model": one,
            "anthropic_models": models,
            "anthropic_model": one,
            "complete": nothing,
            "anthropic_rest": rest,
        },
        {
            "MessagesRequest": request,
            "CountRequest": count,
            **parts,
            "Message": _message(),
            "MessagesModel": _model(),
            "MessagesModels": object_of(
                data=list_of(ref("MessagesModel")),
                has_more={"type": "boolean"},
                first_id=TEXT_OR_NULL,
                last_id=TEXT_OR_NULL,
            ),
            ERROR: object_of(type={"const": "error"}, error=object_of(type=TEXT, message=TEXT)),
        },
        ERROR,
    )


def _message() -> Schema:
    usage = object_of(input_tokens=COUNT, output_tokens=COUNT, cache_read_input_tokens=COUNT)
    return object_of(
        id=TEXT,
        type={"const": "message"},
        role={"const": "assistant"},
        model=TEXT,
        content=list_of(object_of(type={"enum": ["text", "thinking", "tool_use"]})),
        stop_reason={"enum": list(_REASONS)},
        stop_sequence=TEXT_OR_NULL,
        usage=usage,
    )


def _model() -> Schema:
    told = object_of(
        type={"const": "model"},
        id=TEXT,
        display_name=TEXT,
        created_at={"type": "string", "format": "date-time"},
        lifecycle={"const": "active"},
    )
    told["properties"]["max_input_tokens"] = COUNT
    return told
