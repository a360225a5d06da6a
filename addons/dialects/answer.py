"""Pieces of an answer that look the same in a stream and in a whole completion."""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.events import Citation, Image, ToolCallDelta, Usage


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


def picture(image: Image) -> str:
    """A picture as markdown, the one form every chat client shows."""
    alt = image.alt.replace("[", "(").replace("]", ")").replace("\n", " ") or "image"
    return f"![{alt}]({image.url})"


class ToolCalls:
    """Tool call fragments put in order: dense indexes from 0; id, type and name once, in the first fragment."""

    def __init__(self) -> None:
        self._dense: dict[int, int] = {}

    def fragment(self, delta: ToolCallDelta) -> dict[str, Any]:
        """The fragment as a stream shows it."""
        first = delta.index not in self._dense
        index = self._dense.setdefault(delta.index, len(self._dense))
        function: dict[str, Any] = {"arguments": delta.arguments}
        found: dict[str, Any] = {"index": index, "function": function}
        if first:
            found["id"] = delta.id or f"call_{index}"
            found["type"] = "function"
            function["name"] = delta.name or ""
        if delta.extra:
            found |= delta.extra
        return found


def merged(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fragments of `ToolCalls` put together, as a whole message holds them."""
    whole: dict[int, dict[str, Any]] = {}
    for call in calls:
        rest = {name: value for name, value in call.items() if name not in ("index", "function")}
        known = whole.setdefault(call["index"], {"function": {"name": "", "arguments": ""}})
        known |= rest
        known["function"]["name"] += call["function"].get("name", "")
        known["function"]["arguments"] += call["function"]["arguments"]
    return [whole[index] for index in sorted(whole)]
