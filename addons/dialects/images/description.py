"""What /openapi.json says of pictures: the requests that are taken, the answer that is written. Pure."""

from typing import Final

from addons.dialects.description import (
    COUNT,
    SECONDS,
    TEXT,
    Description,
    RouteDescription,
    Schema,
    json_content,
    list_of,
    object_of,
    of_model,
    ref,
)
from addons.dialects.form import KIND
from addons.dialects.images.schema import EditBody, GenerationBody
from addons.dialects.openai.description import ERROR, FORM, SCHEMAS

_EXAMPLE: Final[Schema] = {"model": "qwen-max", "prompt": "A lighthouse at night", "size": "1:1"}
_FILE: Final[Schema] = {"type": "string", "contentMediaType": "application/octet-stream"}
_STREAM: Final[Schema] = {"text/event-stream": {"example": "event: image_generation.completed\ndata: {…}\n\n"}}
_ANSWER: Final = "The pictures; with `stream` true what the API streams, as it does."


def description() -> Description:
    """Of both operations."""
    generation, _ = of_model(GenerationBody)
    edit, parts = of_model(EditBody)
    for request in (generation, edit):
        request["description"] = FORM
    edit["oneOf"] = [{"required": [name], "properties": {name: {"type": kinds}}} for name, kinds in _NEEDED]
    datum: Schema = {"type": "object", "properties": {"url": TEXT, "b64_json": TEXT, "revised_prompt": TEXT}}
    answer = object_of(data=list_of(datum))
    answer["properties"] |= {
        "created": SECONDS,
        "usage": object_of(input_tokens=COUNT, output_tokens=COUNT, total_tokens=COUNT),
    }
    content = json_content(ref("Images")) | _STREAM
    by_form = {KIND: {"schema": {**_form(edit), "description": FORM}}}
    return Description(
        {
            "images_generations": RouteDescription(
                "Pictures after a description.",
                content,
                _ANSWER,
                json_content(ref("ImageGenerationRequest"), example=_EXAMPLE),
            ),
            "images_edits": RouteDescription(
                "Pictures changed after a description.",
                content,
                _ANSWER,
                json_content(ref("ImageEditRequest")) | by_form,
            ),
        },
        {
            "ImageGenerationRequest": generation,
            "ImageEditRequest": edit,
            **parts,
            "Images": answer,
            ERROR: SCHEMAS[ERROR],
        },
        ERROR,
    )


_NEEDED: Final = (("image", ["string", "array"]), ("images", ["array"]))


def _form(edit: Schema) -> Schema:
    """The same request as a form: pictures are files, all else is text."""
    names = [name for name in edit["properties"] if name not in ("image", "images", "mask")]
    form = object_of(model=TEXT, prompt=TEXT, image={"anyOf": [_FILE, list_of(_FILE)]})
    form["properties"] = {**dict.fromkeys(names, TEXT), **form["properties"], "mask": _FILE}
    return form
