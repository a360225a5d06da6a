"""What /openapi.json says of the endpoints that are passed on. Pure."""

from typing import Final

from addons.dialects.description import (
    TEXT,
    Description,
    RouteDescription,
    Schema,
    json_content,
    list_of,
    object_of,
    ref,
)
from addons.dialects.form import KIND
from addons.dialects.openai.description import ERROR, SCHEMAS
from addons.dialects.passed_on.endpoints import PROVIDER

_AS_IT_IS: Final = "The API's own answer, as it is."
_FILE: Final[Schema] = {"type": "string", "contentMediaType": "application/octet-stream"}
_ANY: Final[Schema] = {"type": "object"}
_BYTES: Final[Schema] = {"application/octet-stream": {"schema": _FILE}}
_EVENTS: Final[Schema] = {"text/event-stream": {"example": "data: {…}\n\n"}}
_TEXTS: Final[Schema] = {"text/plain": {"schema": TEXT}}
_ID: Final[Schema] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "An id that this client key was given.",
    "schema": {"type": "string", "minLength": 1},
}
_WHOM: Final[Schema] = {
    "name": PROVIDER,
    "in": "header",
    "description": "Which provider is asked, by its name in config.yaml, where no model says that.",
    "schema": {"type": "string"},
}


def description() -> Description:
    """Of all operations."""
    return Description(
        {
            "embeddings": _passed("Vectors of texts.", "EmbeddingRequest", {"model": "m", "input": "A text"}),
            "audio_speech": RouteDescription(
                "A text as speech.",
                {"audio/mpeg": {"schema": _FILE}} | _EVENTS,
                "The sound as the API makes it, while it comes; with `stream_format` sse its events.",
                json_content(ref("SpeechRequest"), example={"model": "m", "input": "Hello", "voice": "alloy"}),
                (_WHOM,),
            ),
            "audio_transcriptions": _heard("What is said in a sound."),
            "audio_translations": _heard("What is said in a sound, in English."),
            "images_variations": RouteDescription(
                "Pictures like one.", json_content(_ANY), _AS_IT_IS, _form(image=_FILE), (_WHOM,)
            ),
            "moderations": _passed("Whether content may be harmful.", "ModerationRequest", {"input": "A text"}),
            "rerank": _passed(
                "Documents in the order in which they fit a query.",
                "RerankRequest",
                {"model": "m", "query": "A question", "documents": ["one", "two"]},
            ),
            **_files(),
            **_batches(),
        },
        {
            "EmbeddingRequest": object_of(model=TEXT, input={}),
            "SpeechRequest": object_of(model=TEXT, input=TEXT, voice={}),
            "ModerationRequest": object_of(input={}),
            "RerankRequest": object_of(model=TEXT, query={}, documents={"type": "array"}),
            "BatchRequest": object_of(input_file_id=TEXT, endpoint=TEXT, completion_window=TEXT),
            "OwnList": object_of(
                object={"const": "list"}, data=list_of(object_of(id=TEXT)), has_more={"type": "boolean"}
            ),
            ERROR: SCHEMAS[ERROR],
        },
        ERROR,
    )


def _files() -> dict[str, RouteDescription]:
    form = _form(file=_FILE, purpose=TEXT)
    form[KIND]["schema"]["properties"]["provider"] = TEXT
    return {
        "files": _listed("The files of this client key, as the API last told of them."),
        "file_create": RouteDescription(
            "Uploads a file: to the provider of `model`, or that `provider` names, or the only one that takes files.",
            json_content(_ANY),
            _AS_IT_IS,
            form,
            (_WHOM,),
        ),
        "file": _about("What the API says of a file."),
        "file_delete": _about("Deletes a file."),
        "file_content": RouteDescription("A file's content.", _BYTES, "The content.", parameters=(_ID,)),
    }


def _batches() -> dict[str, RouteDescription]:
    asked = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return {
        "batches": _listed("The batches of this client key, as the API last told of them."),
        "batch_create": _passed("Begins a batch, where its input file lies.", "BatchRequest", asked),
        "batch": _about("What the API says of a batch."),
        "batch_cancel": _about("Ends a batch before its time."),
    }


def _passed(summary: str, request: str, example: Schema) -> RouteDescription:
    content = json_content(ref(request), example=example)
    return RouteDescription(summary, json_content(_ANY), _AS_IT_IS, content, (_WHOM,))


def _heard(summary: str) -> RouteDescription:
    form = _form(file=_FILE, model=TEXT)
    return RouteDescription(summary, json_content(_ANY) | _TEXTS | _EVENTS, _AS_IT_IS, form, (_WHOM,))


def _about(summary: str) -> RouteDescription:
    return RouteDescription(summary, json_content(_ANY), _AS_IT_IS, parameters=(_ID,))


def _listed(summary: str) -> RouteDescription:
    return RouteDescription(summary, json_content(ref("OwnList")), "The objects.", parameters=_PAGES)


def _form(**fields: Schema) -> Schema:
    """A form with these fields at least."""
    return {KIND: {"schema": object_of(**fields)}}


_PAGES: Final[tuple[Schema, ...]] = tuple(
    {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}
    for name, about in (
        ("limit", "How many at most."),
        ("after", "The id behind which the page begins."),
        ("order", "`asc`: the oldest first."),
        ("purpose", "Of files: those of this purpose."),
    )
)
