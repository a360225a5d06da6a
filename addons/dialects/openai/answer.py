"""Pieces of an answer that look the same in a stream and in a whole completion."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from addons.dialects.openai.declared import MISSING, declared
from providers.contract.events import Citation, Image, Usage

CITATIONS_LIMIT: Final = 5000
"""Sources of one answer that are passed on."""

_OWN: Final[Mapping[str, frozenset[str]]] = {
    "chunk": frozenset({"id", "object", "created", "model", "choices", "usage"}),
    "choice": frozenset({"index", "delta", "message", "finish_reason"}),
    "delta": frozenset({"role", "content", "reasoning_content", "tool_calls"}),
}
"""Fields the gateway writes itself, by scope; a provider's field of the same name would make a second of it."""


REPEATED: Final = frozenset({"system_fingerprint", "service_tier", "provider"})
"""Fields beside the choices that APIs put into every chunk; all others stand in the one chunk they came with."""
REPEATED_BYTES: Final = 1024
"""A merged_logprobs one is told once too: a site must not make each word as long."""


def is_empty(value: Any) -> bool:
    """Whether a field's value says nothing."""
    return value is None or value in ("", [], {})


def extension_fields(scope: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Passthrough that the gateway does not write itself, in the form their names have."""
    own = _OWN[scope]
    found = ((name, declared(scope, name, value)) for name, value in fields.items() if name not in own)
    return {name: value for name, value in found if value is not MISSING}


def usage_object(usage: Usage) -> dict[str, Any]:
    """OpenAI's usage object; the provider's own where it already has that form."""
    if usage.raw is not None:
        counts = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
        return {**usage.raw, **counts}
    found: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.cached_tokens is not None:
        found["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        found["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return found


def annotations(citations: Sequence[Citation]) -> list[dict[str, Any]]:
    """Citations as url_citation annotations. A source without a place in the text spans nothing (0 to 0)."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": citation.url,
                "title": citation.title,
                "start_index": citation.start or 0,
                "end_index": citation.end or 0,
            },
        }
        for citation in citations
    ]


def image_markdown(image: Image) -> str:
    """A picture as markdown, the one form every chat client shows."""
    alt = image.alt.replace("[", "(").replace("]", ")").replace("\n", " ") or "image"
    return f"![{alt}]({image.url})"


def image_part(image: Image, number: int) -> dict[str, Any]:
    """The same as data, in the form that OpenRouter began with: an entry of a message's `images`."""
    return {"type": "image_url", "image_url": {"url": image.url}, "index": number}


def merged_logprobs(known: Any, more: Any) -> Any:
    """Logprobs of a stream's chunks put together: lists under the same name follow each other."""
    if not isinstance(known, dict) or not isinstance(more, dict):
        return more if more is not None else known
    both = dict(known)
    for name, value in more.items():
        earlier = both.get(name)
        both[name] = earlier + value if isinstance(earlier, list) and isinstance(value, list) else value
    return both
