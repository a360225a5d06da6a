"""What /openapi.json says of the legacy completions: the request that is taken, the answer that is written. Pure."""

from collections.abc import Mapping
from typing import Final

from addons.dialects.chat_completions.description import request_schema
from addons.dialects.completions.request import CompletionBody
from addons.dialects.description import COUNT, TEXT, Description, Schema, object_of, of_model
from addons.dialects.openai.description import ERROR, FORM, SCHEMAS, answer_schema, generation

_NOT_TAKEN: Final = frozenset({"messages"})
_NEUTRAL: Final[Mapping[str, Schema]] = {
    "suffix": {"enum": [None, ""]},
    "echo": {"enum": [None, False]},
    "best_of": {"enum": [None, 1]},
    "n": {"enum": [None, 1]},
    "logprobs": {"type": "null"},
    "tools": {"anyOf": [{"type": "null"}, {"type": "array", "maxItems": 0}]},
    "functions": {"anyOf": [{"type": "null"}, {"type": "array", "maxItems": 0}]},
}
"""Fields of the old form that a chat model cannot honour: only what changes nothing is taken."""


_REASONS: Final = ("stop", "length", "content_filter")
_EXAMPLE: Final[Schema] = {"model": "GLM-4.6", "prompt": "Hello"}


def description() -> Description:
    """Of completions: whatever a chat takes too is described as it is there."""
    chat, parts = request_schema()
    request, _ = of_model(CompletionBody)
    request["description"] = FORM
    shared = {name: field for name, field in chat["properties"].items() if name not in _NOT_TAKEN}
    request["properties"] = {**shared, **request["properties"], **_NEUTRAL}
    logprobs: Schema = {"type": ["object", "null"]}
    choice = object_of(index=COUNT, finish_reason={"enum": list(_REASONS)}, text=TEXT, logprobs=logprobs)
    return Description(
        {
            "completions": generation(
                "The older form: one prompt, plain text.", "CompletionRequest", "Completion", _EXAMPLE
            )
        },
        {"CompletionRequest": request, **parts, "Completion": answer_schema("text_completion", choice), **SCHEMAS},
        ERROR,
    )
