"""The meaning of completion objects: one chunk of a stream, or a whole completion, to events."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from providers.errors import ErrorKind, ProviderError
from providers.events import Event, Extra, Failure, Finish, FinishReason, Usage
from providers.jsontext import mapping, text, whole
from providers.openai_choice import Choice
from providers.openai_citations import from_web_search
from providers.openai_errors import error_event
from providers.openai_form import Form
from providers.openai_usage import counts_tokens, usage_of
from providers.openai_words import short_code

CHOICES_LIMIT: Final = 1024
ENTRIES_LIMIT: Final = 5000
"""Parts, tool calls and sources of a whole answer; each becomes an event or several."""
_UNKNOWN_LIMIT: Final = 64
_FIELDS_LIMIT: Final = 256
"""Names of fields beside the choices, over all chunks; they are remembered."""
_CHUNK_KNOWN: Final = frozenset({"id", "object", "created", "model", "choices", "usage", "error", "obfuscation"})
"""`obfuscation` is padding to the length of one chunk; it means nothing on ours."""

REASONS: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "function_call",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "context_length_exceeded": "length",
    "sensitive": "content_filter",
    "content_filtered": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
}
"""In lower case; what is not here and no failure counts as `stop`."""

FAILURES: Final[Mapping[str, ErrorKind]] = {
    "error": ErrorKind.PROVIDER_DOWN,
    "abort": ErrorKind.PROVIDER_DOWN,
    "network_error": ErrorKind.PROVIDER_DOWN,
    "insufficient_system_resource": ErrorKind.PROVIDER_DOWN,
}

_KINDS: Final[Mapping[str, ErrorKind]] = {kind.value: kind for kind in ErrorKind}


def entries_of(completion: Any) -> int:
    """How many choices, parts, tool calls and sources a whole completion has."""
    choices = mapping(completion).get("choices")
    if not isinstance(choices, list):
        return 0
    messages = (mapping(mapping(choice).get("message")) for choice in choices[:ENTRIES_LIMIT])
    return len(choices) + sum(len(found) for m in messages for name in _LISTS if isinstance(found := m.get(name), list))


_LISTS: Final = ("content", "tool_calls", "annotations", "reasoning_details")


class OpenAIAnswer:
    """One answer as it comes in. `candidates`: how many were asked for."""

    def __init__(self, form: Form, unknown: Counter[str], *, candidates: int, legacy: bool) -> None:
        self._form = form
        self._unknown = unknown
        self._candidates = candidates
        self._legacy = legacy
        self._choices: dict[int, Choice] = {}
        self._fields: dict[str, Any] = {}
        self._usage: Mapping[str, Any] | None = None
        self._cited: set[str] = set()

    @property
    def began(self) -> bool:
        return bool(self._choices)

    @property
    def finished(self) -> bool:
        """Whether every candidate gave its finish_reason."""
        ended = [choice for choice in self._choices.values() if choice.reason]
        return len(ended) == len(self._choices) and len(ended) >= self._candidates

    def read(self, completion: Mapping[str, Any], out: list[Event]) -> Failure | None:
        """Events of a chunk or a whole completion; a Failure when the answer ends with it."""
        choices = completion.get("choices")
        error = None
        if not choices or completion.get("error"):
            error = error_event(completion, self._form.error_codes)
        if isinstance(choices, list):
            for position, choice in enumerate(choices):
                failure = self._choice(choice, position, out, failed=error is not None)
                if failure is not None:
                    return failure
        if error is not None:
            return Failure(error)
        if choices is None:
            self._note_usage(completion)
            self._count(f"frame without choices: {text(completion.get('type')) or text(completion.get('object'))}")
        else:
            self._around(completion, out)
        return None

    def finish(self, out: list[Event]) -> Finish:
        """What was held back, and the Finish."""
        for choice in self._choices.values():
            choice.close(out)
        reasons = {index: choice.reason or choice.likely_reason() for index, choice in sorted(self._choices.items())}
        return Finish(reasons.pop(0, "stop"), tuple(reasons.items()))

    def usage(self) -> Usage | None:
        return None if self._usage is None else usage_of(self._usage)

    def _choice(self, value: Any, position: int, out: list[Event], *, failed: bool) -> Failure | None:
        if not isinstance(value, dict):
            self._count("choice that is no object")
            return None
        index = whole(value.get("index"))
        if index is None:
            index = position
        choice = self._choices.get(index)
        if choice is None:
            if not 0 <= index < CHOICES_LIMIT:
                self._count("choice out of range")
                return None
            choice = Choice(index, self._form.think_tags, self._unknown, legacy=self._legacy)
            self._choices[index] = choice
        choice.read(value, out)
        if "usage" in value:  # Moonshot
            self._note_usage(value)
        reason = value.get("finish_reason")
        return self._end_choice(choice, reason) if reason and not failed else None

    def _end_choice(self, choice: Choice, said: Any) -> Failure | None:
        reason = said.lower() if isinstance(said, str) else ""
        reason = self._form.finish_reasons.get(reason, reason)
        kind = FAILURES.get(reason) or _KINDS.get(reason)
        if kind is not None:
            code = short_code(said)
            message = f"The API broke its answer off (finish_reason {code}). Try again."
            return Failure(ProviderError(kind, message, site_code=code))
        if reason not in REASONS:
            self._count(f"finish_reason: {reason}")
        choice.reason = REASONS.get(reason, "stop")
        if choice.reason == "function_call" and not self._legacy:
            choice.reason = "tool_calls"
        return None

    def _around(self, completion: Mapping[str, Any], out: list[Event]) -> None:
        """Usage, and the fields beside the choices: each is passed on when it first comes or changes."""
        if completion.get("usage"):
            self._note_usage(completion)
        if completion.keys() <= _CHUNK_KNOWN:
            return
        fresh = {
            name: value
            for name, value in completion.items()
            if name not in _CHUNK_KNOWN and value is not None and self._fields.get(name) != value
        }
        if len(self._fields) + len(fresh) > _FIELDS_LIMIT:
            self._count("more fields beside the choices")
            fresh = {name: value for name, value in fresh.items() if name in self._fields}
        if not fresh:
            return
        self._fields |= fresh
        out.append(Extra("chunk", fresh))
        self._note_usage(mapping(fresh.get("x_groq")))
        results = fresh.get("web_search")
        if isinstance(results, list):
            citations = from_web_search(results, self._cited)
            self._cited |= {citation.url for citation in citations}
            out += citations

    def _note_usage(self, place: Mapping[str, Any]) -> None:
        usage = place.get("usage")
        if counts_tokens(usage):
            self._usage = usage

    def _count(self, what: str) -> None:
        """Counts, under a bounded number of names."""
        name = what[:80] if what in self._unknown or len(self._unknown) < _UNKNOWN_LIMIT else "more"
        self._unknown[name] += 1
