"""Reader of one candidate of an answer: its deltas, or its whole message, to events."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from providers.contract.events import Event, FinishReason, Image, Passthrough, Reasoning, Text
from providers.formats.jsontext import mapping, text
from providers.openai.call_fragments import listed
from providers.openai.citations import from_annotations
from providers.openai.content import pieces, thoughts
from providers.openai.form import TagForm
from providers.openai.snapshots import Snapshots
from providers.openai.tools import ToolCallAssembler
from providers.shared.think_tags import ThinkTags

_DELTA_KNOWN: Final = frozenset({"role", "content", "reasoning_content", "reasoning", "tool_calls"})
_CHOICE_KNOWN: Final = frozenset(
    {"index", "delta", "message", "finish_reason", "finishReason", "usage", "text", "content"}
)
ARGUMENTS: Final = "arguments"
WORD_FIELDS: Final = frozenset({"content", "reasoning_content", "reasoning", ARGUMENTS})
"""Fields of a delta, or of the one tool call in it, that hold a piece of text."""
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_OWN_THOUGHTS: Final = ("thinking", "reasoning_text", "thinking_blocks")
"""Fields that hold thinking at single vendors and relays (Copilot, LiteLLM)."""
_THINKING: Final = frozenset(
    {
        "reasoning", "reasoning_details", "reasoning_opaque", "reasoning_signature", "signature", "thought_signature",
        "thinking_signature", "extra_content", "provider_specific_fields", *_OWN_THOUGHTS,
    }
)  # fmt: skip
"""What belongs to thinking, and is no answer."""
_NAMES_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """The options for reading an answer's candidates."""

    tag_form: TagForm = "none"
    legacy: bool = False
    """The client asked with `functions`, so `function_call` is passed on as it is."""
    gathers: bool = False
    """The answer is wanted whole, so that text may wait for a tag behind it."""
    tools: Set[str] = frozenset()
    """The names of the request's tools."""
    learn_reasoning_name: Callable[[str], None] | None = None
    """Told once an answer under which name its reasoning stands: reasoning_content, reasoning, thinking."""


class Choice:
    """The reader of one candidate."""

    __slots__ = (
        "_called", "_fragment", "_heard", "_index", "_names", "_reading", "_said", "_snapshots", "_spoke", "_tag_form",
        "_tags", "_tools", "_unknown", "reason",
    )  # fmt: skip

    def __init__(self, index: int, reading: ReadingOptions, unknown: Counter[str]) -> None:
        self._index = index
        self._reading = reading
        self._tag_form = reading.tag_form
        self._unknown = unknown
        self._tags: ThinkTags | None = None
        self._tools: ToolCallAssembler | None = None
        self._snapshots: Snapshots | None = None
        self._called = False
        self._fragment: Mapping[str, Any] = {}
        """The last one of a tool call."""
        self._heard = False
        self._spoke = False
        self._said = False
        self._names: set[str] = set()
        """Fields that came empty before."""
        self.reason: FinishReason | None = None

    @property
    def answered(self) -> bool:
        """Whether there is something of an answer, not of thinking alone."""
        return self._said or (self._tags is not None and self._tags.may_answer)

    @property
    def silent(self) -> bool:
        """Whether nothing came of it yet, not even a thought."""
        return not self._spoke and not self._said

    @property
    def lost(self) -> bool:
        """Whether the API speaks of a tool call, and neither it nor anything else ever came."""
        return self.reason in ("tool_calls", "function_call") and not self.answered

    @property
    def cut(self) -> bool:
        """Whether the end of the answer would now cut a tool call, and the API does not say so itself (`length`)."""
        if self._tools is None or self.reason in ("length", "content_filter"):
            return False
        return self._tools.broken_off if self.reason else self._tools.unfinished

    def read(self, value: Mapping[str, Any], out: list[Event]) -> None:
        """Takes an entry of `choices`."""
        delta = value.get("delta")
        if not isinstance(delta, dict):
            self._undivided(value, out)
        elif "message" in value and not any(delta.get(name) for name in delta if name != "role"):
            self._undivided(value, out)  # the delta says nothing, so the message beside it may
        else:
            self._snapshots = None
            self._delta(delta, out)
        if not value.keys() <= _CHOICE_KNOWN:
            fields = _filled(value, _CHOICE_KNOWN)
            if fields:
                out.append(Passthrough("choice", fields, self._index))

    def goes_on(self, field: str, words: str, out: list[Event]) -> None:
        """As `read` of an entry whose delta holds these words in the `field` (of WORD_FIELDS) and nothing else.

        Of arguments: in a fragment that is otherwise the one before.
        """
        self._snapshots = None
        if field == "content":
            self._spoke = True
            self._text(words, out)
        elif field == ARGUMENTS:
            self._call([{**self._fragment, "function": {**self._fragment["function"], ARGUMENTS: words}}], out)
        else:
            self._think(words, field, out)

    def close(self, out: list[Event]) -> None:
        """Emits what was held back: the answer is complete."""
        if self._tags is not None:
            self._split(self._tags.close(complete=self.reason != "length"), out)
        if self._tools is not None:
            self._tools.flush(out, complete=self.reason not in ("length", "content_filter"))

    @property
    def calls(self) -> bool:
        return bool(self._tools)

    def end(self) -> FinishReason:
        """The finish_reason that agrees with what was said, whether or not the API gave one."""
        if self.reason in ("length", "content_filter"):
            return self.reason
        if self._called:
            return "function_call" if self._reading.legacy else "tool_calls"
        if not self._tools and self.reason in ("tool_calls", "function_call"):
            self._unknown[f"finish_reason {self.reason} without a call"] += 1
        return "tool_calls" if self._tools else "stop"

    # -- messages that are no deltas ------------------------------------------------------------------------------
    def _undivided(self, value: Mapping[str, Any], out: list[Event]) -> None:
        """A whole message, its next piece, or the message so far; or text where a delta would stand."""
        message = value.get("message")
        if message == {}:
            return
        if not isinstance(message, dict):
            given = (message, value.get("delta"), value.get("text"), value.get("content"))
            content = next((said for said in given if isinstance(said, str | list) and said), None)
            if content is not None:
                self._delta({"content": content}, out)
            return
        if self._snapshots is None and not self._spoke:
            self._snapshots = Snapshots()
        if self._snapshots is None:
            self._repeated(message, out)
        else:
            self._delta(self._snapshots.fresh(message), out, complete=True)

    def _repeated(self, message: Mapping[str, Any], out: list[Event]) -> None:
        """A message behind deltas repeats them. What they did not hold at all is taken out of it."""
        self._unknown["message after deltas"] += 1
        missing: dict[str, Any] = {}
        if not self.answered and message.get("content"):
            missing["content"] = message["content"]
        if not self._tools and message.get("tool_calls"):
            missing["tool_calls"] = message["tool_calls"]
        if missing:
            self._delta(missing, out, complete=True)

    # -- deltas ---------------------------------------------------------------------------------------------------
    def _delta(self, delta: Mapping[str, Any], out: list[Event], *, complete: bool = False) -> None:
        reasoning = ""
        if len(delta) > 1 or "content" not in delta:
            reasoning = self._reasoning(delta, out)
        content = delta.get("content")
        if content is None and "text" in delta:
            content, delta = delta["text"], {name: value for name, value in delta.items() if name != "text"}
        if content:
            self._spoke = True
            if isinstance(content, str):
                self._text(content, out)
            else:
                self._parts(content, out)
        calls = delta.get("tool_calls")
        if calls:
            self._call(calls, out, complete=complete)
        if not delta.keys() <= _DELTA_KNOWN or (delta.get("reasoning") and delta["reasoning"] != reasoning):
            self._other(delta, reasoning, out, complete=complete)

    def _reasoning(self, delta: Mapping[str, Any], out: list[Event]) -> str:
        """The reasoning of a delta, told; whichever of its names it stands under."""
        name = "reasoning_content"
        reasoning = thoughts(delta.get(name))
        if not reasoning and "reasoning" in delta:
            name = "reasoning"
            reasoning = thoughts(delta.get(name))
        if not reasoning and not delta.keys() <= _DELTA_KNOWN:
            name = ""
            reasoning = _details(delta) or next((told for n in _OWN_THOUGHTS if (told := thoughts(delta.get(n)))), "")
        if reasoning:
            self._think(reasoning, name, out)
        return reasoning

    def _think(self, reasoning: str, name: str, out: list[Event]) -> None:
        if self._tags is None:
            self._tag_form = "none"  # the API tells reasoning apart itself
        if name and not self._heard and self._reading.learn_reasoning_name is not None:
            self._heard = True
            self._reading.learn_reasoning_name(name)
        self._spoke = True
        out.append(Reasoning(reasoning, self._index))

    def _call(self, calls: Any, out: list[Event], *, complete: bool = False) -> None:
        fragments = listed(calls)
        if not fragments:
            self._unknown["tool_calls that are none"] += 1
            return
        self._tools = self._tools if self._tools is not None else ToolCallAssembler(self._index, self._reading.tools)
        self._tools.read(fragments, out, complete=complete)
        self._fragment = fragments[-1]
        if self._tools:
            self._spoke = self._said = True

    def _text(self, content: str, out: list[Event]) -> None:
        if self._tag_form == "none":
            self._said = True
            out.append(Text(content, self._index))
            return
        if self._tags is None:
            self._tags = ThinkTags(implicit=self._tag_form == "implicit", gathers=self._reading.gathers)
        self._split(self._tags.feed(content), out)

    def _split(self, texts: tuple[str, str], out: list[Event]) -> None:
        reasoning, answer = texts
        if reasoning:
            out.append(Reasoning(reasoning, self._index))
        if answer:
            self._said = True
            out.append(Text(answer, self._index))

    def _parts(self, content: Any, out: list[Event]) -> None:
        """Content that is no plain text: a list of parts (Mistral, Google), an object."""
        for piece in pieces(content):
            if piece.text:
                self._text(piece.text, out)
            elif piece.thought:
                self._think(piece.thought, "thinking", out)
            elif piece.picture:
                self._said = True
                out.append(Image(piece.picture))
            elif piece.refusal:
                self._said = True
                out.append(Passthrough("delta", {"refusal": piece.refusal}, self._index))
            elif piece.call:
                self._call([piece.call], out, complete=True)
            else:
                self._said = True
                out.append(Passthrough("delta", {"content_parts": [piece.other]}, self._index))

    def _other(self, delta: Mapping[str, Any], told: str, out: list[Event], *, complete: bool) -> None:
        """Everything beside text, reasoning (`told`) and tool calls, passed on under its own name."""
        fields = {n: value for n, value in delta.items() if n not in _DELTA_KNOWN and self._is_news(n, value)}
        if (reasoning := delta.get("reasoning")) and not (told and thoughts(reasoning) == told):
            fields["reasoning"] = reasoning
        for name in _OWN_THOUGHTS:
            if told and fields.get(name) == told:
                del fields[name]
        if isinstance(annotations := fields.get("annotations"), list) and annotations and self._index == 0:
            citations, rest = from_annotations(annotations)
            out += citations
            if rest:
                fields["annotations"] = rest
            else:
                del fields["annotations"]
        call = fields.get("function_call")
        if isinstance(call, dict) and call:
            self._called = self._said = True
            if not self._reading.legacy:
                del fields["function_call"]
                self._call([{"index": 0, "function": call}], out, complete=complete)
            elif not isinstance(call.get("arguments", ""), str):
                fields["function_call"] = {**call, "arguments": _as_text(call["arguments"])}
        if fields:
            self._said = self._said or any(name not in _THINKING and fields[name] not in _EMPTY for name in fields)
            out.append(Passthrough("delta", fields, self._index))

    def _is_news(self, name: str, value: Any) -> bool:
        """Whether a field says something: an empty one does so once."""
        if value not in _EMPTY:
            return True
        if name in self._names or len(self._names) >= _NAMES_LIMIT:
            return False
        self._names.add(name)
        return True


def arguments_in(calls: Any) -> str:
    """The piece of arguments in a delta's `tool_calls`, if they are one fragment of a call."""
    if not isinstance(calls, list) or len(calls) != 1:
        return ""
    return text(mapping(mapping(calls[0]).get("function")).get(ARGUMENTS))


def _filled(place: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The unknown fields of an object that hold something."""
    return {name: value for name, value in place.items() if name not in known and value not in _EMPTY}


def _details(delta: Mapping[str, Any]) -> str:
    """Reasoning that stands in OpenRouter's `reasoning_details` alone."""
    details = delta.get("reasoning_details")
    if not isinstance(details, list):
        return ""
    return "".join(text(d.get("text")) or text(d.get("summary")) for d in map(mapping, details))


def _as_text(arguments: Any) -> str:
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
