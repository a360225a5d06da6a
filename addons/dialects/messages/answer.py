"""Pieces of an answer that look the same in a stream and in a whole message. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from addons.dialects.base import FILTERED
from addons.dialects.text import joined
from providers.contract.events import Citation, Finish, Usage

SIGNATURE: Final = "Z2xhc3NnYXRl"
"""Of all thinking that has none of its maker's. Some clients keep only thinking that is signed; Anthropic's own API
refuses this one, and its clients ask again without."""
EMPTY_INPUT: Final = "{}"
"""The arguments of a call with none: Claude Code takes a call without any piece of them for a broken one."""
_SOURCES: Final = "\n\nSources:\n"
_SOURCE: Final = "- ["
_ID_LIMIT: Final = 256
_REASONS: Final[Mapping[str, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Anthropic's usage object: its `input_tokens` are those that were in no cache."""
    cached = min(usage.cached_tokens or 0, usage.prompt_tokens)
    told: dict[str, Any] = {
        "input_tokens": usage.prompt_tokens - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens,
    }
    if usage.reasoning_tokens is not None:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return told


def in_words(finish: Finish, refusal: str | None) -> tuple[Finish, str]:
    """For a client that reads no reason of a refusal: the end without one, and the words that tell it, unless the
    model's own do."""
    if finish.reason != "content_filter":
        return finish, ""
    return replace(finish, reason="stop"), "" if refusal else FILTERED


def ending(finish: Finish, *, called: bool, refusal: str | None) -> dict[str, Any]:
    """Why the answer ended. `called`: a tool was announced; `refusal`: what the model said of a refusal."""
    reason = _REASONS[finish.reason]
    if refusal is not None:
        reason = "refusal"
    elif reason == "tool_use" and not called:
        reason = "end_turn"
    elif reason == "end_turn" and finish.stop_sequence is not None:
        reason = "stop_sequence"
    elif reason == "end_turn" and called:
        reason = "tool_use"
    stopped_by = joined(finish.stop_sequence) if finish.stop_sequence is not None else None
    told: dict[str, Any] = {"stop_reason": reason, "stop_sequence": stopped_by if reason == "stop_sequence" else None}
    if reason == "refusal":
        told["stop_details"] = {
            "type": "refusal",
            "category": None,
            "explanation": joined(refusal) if refusal else None,
        }
    return told


class CallIds:
    """The ids of an answer's calls: the provider's where it can be one of Anthropic's, and each but once."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self._used: set[str] = set()

    def next(self, given: str | None) -> str:
        plain = (given or "").replace("_", "").replace("-", "")
        if not given or len(given) > _ID_LIMIT or given in self._used or not (plain.isascii() and plain.isalnum()):
            salt = f"{self._answer}/{len(self._used)}"
            given = "toolu_" + hashlib.blake2b(salt.encode(), digest_size=12).hexdigest()
        self._used.add(given)
        return given


# -- sources ----------------------------------------------------------------------------------------------------------
def sources_text(citations: Sequence[Citation]) -> str:
    """Sources as the last lines of the text: what people and agents see of them in every client."""
    lines = dict.fromkeys(f"{_SOURCE}{_plain(one.title) or one.url}]({one.url})" for one in citations)
    return _SOURCES + "\n".join(lines) if lines else ""


def without_sources(text: str) -> str:
    """The text of an earlier answer without the sources that were written behind it."""
    at = text.rfind(_SOURCES)
    if at < 0 or not all(line.startswith(_SOURCE) for line in text[at + len(_SOURCES) :].rstrip().split("\n")):
        return text
    return text[:at]


def _plain(title: str) -> str:
    return " ".join(title.replace("[", "(").replace("]", ")").split())
