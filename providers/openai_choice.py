"""One candidate of an answer: its deltas, or its whole message, to events."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from providers.events import Event, Extra, FinishReason, Image, Reasoning, Text
from providers.jsontext import mapping, text
from providers.openai_citations import from_annotations
from providers.openai_form import TagForm
from providers.openai_tools import ToolCalls
from providers.think_tags import ThinkTags

_DELTA_KNOWN: Final = frozenset({"role", "content", "reasoning_content", "reasoning", "tool_calls"})
_CHOICE_KNOWN: Final = frozenset({"index", "delta", "message", "finish_reason", "usage", "text"})


class Choice:
    """`legacy`: the client asked with `functions`, so `function_call` is passed on as it is."""

    __slots__ = ("_called", "_index", "_legacy", "_spoke", "_tag_form", "_tags", "_tools", "_unknown", "reason")

    def __init__(self, index: int, tag_form: TagForm, unknown: Counter[str], *, legacy: bool) -> None:
        self._index = index
        self._tag_form = tag_form
        self._unknown = unknown
        self._legacy = legacy
        self._tags: ThinkTags | None = None
        self._tools: ToolCalls | None = None
        self._called = False
        self._spoke = False
        self.reason: FinishReason | None = None

    def read(self, value: Mapping[str, Any], out: list[Event]) -> None:
        """An entry of `choices`."""
        delta = value.get("delta")
        complete = False
        if not isinstance(delta, dict):
            delta, complete = self._undivided(value), True
        if delta:
            self._delta(delta, out, complete=complete)
        if not value.keys() <= _CHOICE_KNOWN:
            fields = _filled(value, _CHOICE_KNOWN)
            if fields:
                out.append(Extra("choice", fields, self._index))

    def close(self, out: list[Event]) -> None:
        """The answer is complete: what was held back."""
        if self._tags is not None:
            self._split(self._tags.close(complete=self.reason != "length"), out)
        if self._tools is not None:
            self._tools.flush(out)

    def likely_reason(self) -> FinishReason:
        """The finish_reason of an answer whose API gave none."""
        if self._called:
            return "function_call" if self._legacy else "tool_calls"
        return "tool_calls" if self._tools else "stop"

    def _undivided(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        message = value.get("message")
        if isinstance(message, dict):
            if not self._spoke:
                return message
            self._unknown["message after deltas"] += 1  # a last chunk that repeats the whole answer
            return {}
        return {"content": value["text"]} if isinstance(value.get("text"), str) else {}

    def _delta(self, delta: Mapping[str, Any], out: list[Event], *, complete: bool) -> None:
        other = delta.get("reasoning")
        reasoning = text(delta.get("reasoning_content")) or text(other) or _details(delta)
        if reasoning:
            if self._tags is None:
                self._tag_form = "none"  # the API tells reasoning apart itself
            self._spoke = True
            out.append(Reasoning(reasoning, self._index))
        content = delta.get("content")
        if content:
            self._spoke = True
            if isinstance(content, str):
                self._text(content, out)
            else:
                self._parts(content, out)
        calls = delta.get("tool_calls")
        if calls and isinstance(calls, list):
            self._spoke = True
            self._tools = self._tools or ToolCalls(self._index)
            self._tools.read(calls, out, complete=complete)
        if not delta.keys() <= _DELTA_KNOWN or (other and other != reasoning):
            self._other(delta, reasoning, out)

    def _text(self, content: str, out: list[Event]) -> None:
        if self._tag_form == "none":
            out.append(Text(content, self._index))
            return
        if self._tags is None:
            self._tags = ThinkTags(implicit=self._tag_form == "implicit")
        self._split(self._tags.feed(content), out)

    def _split(self, texts: tuple[str, str], out: list[Event]) -> None:
        reasoning, answer = texts
        if reasoning:
            out.append(Reasoning(reasoning, self._index))
        if answer:
            out.append(Text(answer, self._index))

    def _parts(self, content: Any, out: list[Event]) -> None:
        """Content as a list of parts (Mistral, Google)."""
        for part in content if isinstance(content, list) else [content]:
            kind = mapping(part).get("type")
            if kind == "text":
                if words := text(part.get("text")):
                    self._text(words, out)
            elif kind == "thinking":
                if words := _thoughts(part.get("thinking")):
                    out.append(Reasoning(words, self._index))
            elif kind == "image_url" and (url := text(mapping(part.get("image_url")).get("url"))):
                out.append(Image(url))
            else:
                out.append(Extra("delta", {"content_parts": [part]}, self._index))

    def _other(self, delta: Mapping[str, Any], told: str, out: list[Event]) -> None:
        """Everything beside text, reasoning (`told`) and tool calls, passed on under its own name."""
        fields = _filled(delta, _DELTA_KNOWN)
        if (reasoning := delta.get("reasoning")) and reasoning != told:
            fields["reasoning"] = reasoning
        annotations = fields.get("annotations")
        if isinstance(annotations, list) and self._index == 0:
            citations, rest = from_annotations(annotations)
            out += citations
            if rest:
                fields["annotations"] = rest
            else:
                del fields["annotations"]
        call = fields.get("function_call")
        if isinstance(call, dict):
            self._called = True
            if not self._legacy:
                del fields["function_call"]
                arguments = text(call.get("arguments"))
                self._tools = self._tools or ToolCalls(self._index)
                self._tools.read([{"index": 0, "function": {**call, "arguments": arguments}}], out, complete=False)
        if fields:
            out.append(Extra("delta", fields, self._index))


def _filled(place: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The unknown fields of an object that hold something."""
    return {name: value for name, value in place.items() if name not in known and value not in (None, "", [], {})}


def _thoughts(value: Any) -> str:
    """Mistral's `thinking`: a text, or a list of text parts."""
    if isinstance(value, list):
        return "".join(text(mapping(part).get("text")) for part in value)
    return text(value)


def _details(delta: Mapping[str, Any]) -> str:
    """Reasoning that stands in OpenRouter's `reasoning_details` alone."""
    details = delta.get("reasoning_details")
    if not isinstance(details, list):
        return ""
    return "".join(text(d.get("text")) or text(d.get("summary")) for d in map(mapping, details))
