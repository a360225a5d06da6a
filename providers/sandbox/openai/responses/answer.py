"""An answer of the Responses form: the response object, and its events in order with their numbers. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.sandbox.script import split

USAGE: Final = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "output_tokens": 22,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 33,
}
_ENDS: Final = {"incomplete": "max_output_tokens", "content_filter": "content_filter"}
"""Faults that are ends of their own, and the reason that is told."""
_FAILURES: Final = {
    "failed": ("server_error", "The server had an error while processing your request. Sorry about that!"),
    "rate_limit": ("rate_limit_exceeded", "Rate limit reached for sandbox-large. Please try again in 1.5s."),
    "context_failed": (
        "context_length_exceeded",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
    ),
    "overloaded": ("server_is_overloaded", "Our servers are currently overloaded. Please try again later."),
    "quota_failed": (
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "invalid_prompt": ("invalid_prompt", "Invalid prompt: we've limited access to this content for safety reasons."),
}
"""By the fault's name: code and words of a `response.failed`; with `_first` behind it, before any word."""


def failure_of(fault: str) -> tuple[str, str] | None:
    return _FAILURES.get(fault.removesuffix("_first"))


def end_of(fault: str) -> str | None:
    """Why an answer is incomplete."""
    return _ENDS.get(fault)


_BARE: Final[Mapping[str, Mapping[str, Any]]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}
"""What an item that has just begun lacks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The items of an answer, and the response without them. `incomplete` is the reason of a premature end."""

    base: Mapping[str, Any]
    output: Sequence[Mapping[str, Any]]
    incomplete: str = ""

    def whole(self) -> dict[str, Any]:
        return self._ended("incomplete" if self.incomplete else "completed")

    def failed(self, code: str, message: str) -> dict[str, Any]:
        error = {"code": code, "message": message}
        return {**self.base, "status": "failed", "output": [], "usage": None, "error": error}

    def events(self, *, obfuscated: bool = True) -> list[bytes]:
        """The whole stream."""
        numbered = Numbered(obfuscated)
        started = {**self.base, "status": "in_progress", "output": [], "usage": None}
        found = [numbered("response.created", response=started), numbered("response.in_progress", response=started)]
        for index, item in enumerate(self.output):
            found += (numbered(name, **{"output_index": index, **fields}) for name, fields in _item(item))
        last = "response.incomplete" if self.incomplete else "response.completed"
        return [*found, numbered(last, response=self.whole())]

    def _ended(self, status: str) -> dict[str, Any]:
        why = {"reason": self.incomplete} if self.incomplete else None
        at = self.base.get("created_at") if status == "completed" else None
        return {
            **self.base,
            "completed_at": at,
            "status": status,
            "incomplete_details": why,
            "output": self.output,
            "usage": USAGE,
        }


class Numbered:
    """Makes events, each with the next number."""

    def __init__(self, obfuscated: bool = False) -> None:
        self.number = 0
        self._obfuscated = obfuscated

    def __call__(self, name: str, **fields: Any) -> bytes:
        noise = {"obfuscation": "xYz0"} if self._obfuscated and name.endswith(".delta") else {}
        told = {"type": name, **fields, "sequence_number": self.number, **noise}
        self.number += 1
        return event(name, told)


def event(name: str, told: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


type _Told = Iterator[tuple[str, dict[str, Any]]]


def _item(item: Mapping[str, Any]) -> _Told:
    """The events of one item."""
    kind, named = item["type"], {"item_id": item["id"]}
    running = {"status": "in_progress"} if "status" in item else {}
    started = {**item, **_BARE.get(kind, {}), **running}
    if kind == "reasoning":
        started.pop("encrypted_content", None)
    yield "response.output_item.added", {"item": started}
    match kind:
        case "message":
            yield from _text(item, named)
        case "reasoning":
            yield from _summary(item, named)
        case "function_call":
            yield from _pieces("response.function_call_arguments", "arguments", item, named)
        case "custom_tool_call":
            yield from _pieces("response.custom_tool_call_input", "input", item, named)
        case "web_search_call":
            for state in ("in_progress", "searching", "completed"):
                yield f"response.web_search_call.{state}", named
    yield "response.output_item.done", {"item": item}


def _text(item: Mapping[str, Any], named: dict[str, Any]) -> _Told:
    (part,) = item["content"]
    at = {**named, "content_index": 0}
    word = "refusal" if part["type"] == "refusal" else "text"
    spoken = "response.refusal" if word == "refusal" else "response.output_text"
    extra: dict[str, Any] = {} if word == "refusal" else {"logprobs": []}
    empty = {**part, word: "", **({} if word == "refusal" else {"annotations": []})}
    yield "response.content_part.added", {**at, "part": empty}
    for piece in split(part[word]):
        yield f"{spoken}.delta", {**at, "delta": piece, **extra}
    for number, note in enumerate(part.get("annotations") or ()):
        yield "response.output_text.annotation.added", {**at, "annotation_index": number, "annotation": note}
    yield f"{spoken}.done", {**at, word: part[word], **extra}
    yield "response.content_part.done", {**at, "part": part}


def _summary(item: Mapping[str, Any], named: dict[str, Any]) -> _Told:
    for number, part in enumerate(item["summary"]):
        at = {**named, "summary_index": number}
        yield "response.reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
        for piece in split(part["text"]):
            yield "response.reasoning_summary_text.delta", {**at, "delta": piece}
        yield "response.reasoning_summary_text.done", {**at, "text": part["text"]}
        yield "response.reasoning_summary_part.done", {**at, "part": part}


def _pieces(name: str, field: str, item: Mapping[str, Any], named: dict[str, Any]) -> _Told:
    text = item[field]
    step = max(len(text) // 3, 1)
    for at in range(0, len(text), step):
        yield f"{name}.delta", {**named, "delta": text[at : at + step]}
    yield f"{name}.done", {**named, field: text}
