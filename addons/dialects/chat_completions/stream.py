"""Events to a chat completions stream. Each delta is two prepared byte strings around one escaped text."""

from collections.abc import Mapping, Sequence
from typing import Any

from addons.dialects.base import EVENT_STREAM, KEEPALIVE, AnswerMeta
from addons.dialects.chat_completions.tool_calls import ToolCalls
from addons.dialects.openai.answer import (
    CITATIONS_LIMIT,
    REPEATED,
    REPEATED_BYTES,
    annotations,
    extension_fields,
    image_markdown,
    image_part,
    is_empty,
    usage_object,
)
from addons.dialects.openai.error import error_frame
from addons.dialects.text import JsonText, json_bytes
from addons.errors import GatewayError
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
)

DONE = b"data: [DONE]\n\n"
_NOTHING = b'""'
_CHOICES = b',"choices":['
_END = b'},"finish_reason":null}'
"""Of a choice with a delta."""
_WORDS = (Text, Reasoning)
_BEHIND = 3
"""So many events behind a piece of text may speak of it."""


class _Choice:
    """One candidate: whether it began, and the bytes around its deltas."""

    __slots__ = ("before", "calls", "content", "index", "new_line", "opening", "pictures", "reasoning", "started")

    def __init__(self, index: int) -> None:
        self.index = index
        self.before = b'{"index":%d,"delta":{' % index
        self.started = False
        self.calls: ToolCalls | None = None
        self.content = JsonText()
        self.reasoning = JsonText()
        self.new_line = True
        self.pictures = 0
        self.opening: dict[str, Any] = {}
        """Empty fields that the API opened its message with."""


def _behind(events: Sequence[Event], at: int, choice: int) -> Passthrough | None:
    """What the API says of a piece of text (logprobs), which comes behind it and belongs into the same chunk."""
    for event in events[at + 1 : at + 1 + _BEHIND]:
        if not isinstance(event, Passthrough):
            return None
        if event.scope == "choice" and event.choice == choice:
            return event if extension_fields("choice", event.fields) else None
    return None


class ChatStream:
    """The Encoder of streams of /v1/chat/completions."""

    streaming = True
    content_type = EVENT_STREAM
    keepalive = KEEPALIVE

    def __init__(self, meta: AnswerMeta, *, include_usage: bool) -> None:
        self._meta = meta
        self._include_usage = include_usage
        self._choices: dict[int, _Choice] = {}
        self._citations: list[Citation] = []
        self._usage: Usage | None = None
        self._id = meta.id
        self._extra: dict[str, Any] = {}
        self._once: dict[str, Any] = {}
        """Fields for the next chunk alone."""
        self._silent = True
        self._open = b""
        self._close = b""
        self._prepare()

    def _prepare(self) -> None:
        """The bytes that stand before and after the choice of every chunk."""
        head: dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._meta.created,
            "model": self._meta.model,
            **self._extra,
        }
        self._open = b"data: " + json_bytes(head)[:-1] + _CHOICES
        self._close = b'],"usage":null}\n\n' if self._include_usage else b"]}\n\n"

    def encode(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        told: Passthrough | None = None
        choices, last = self._choices, len(events) - 1
        for at, event in enumerate(events):
            if isinstance(event, _WORDS):
                choice = choices.get(event.choice)
                if choice is None or not choice.started:
                    choice = self._choice(event.choice, out)
                if isinstance(event, Text):
                    name, piece = b'"content":', choice.content.escape(event.text)
                    choice.new_line = choice.new_line if piece == _NOTHING else event.text.endswith("\n")
                else:
                    name, piece = b'"reasoning_content":', choice.reasoning.escape(event.text)
                if piece == _NOTHING:
                    continue
                spoken_of = at < last and isinstance(events[at + 1], Passthrough)
                told = _behind(events, at, event.choice) if spoken_of else None
                if told is None and not self._once and not self._silent:  # nearly always
                    out += (self._open, choice.before, name, piece, _END, self._close)
                else:
                    self._delta(choice, name, piece, out, told)
            elif event is not told:
                self._other(event, out)
        return b"".join(out)

    def error(self, error: GatewayError) -> bytes:
        return error_frame(error)

    def _other(self, event: Event, out: list[bytes]) -> None:
        match event:
            case ToolCallDelta():
                choice = self._choice(event.choice, out, tools=True)
                choice.calls = choice.calls or ToolCalls(self._meta.id, choice.index)
                self._chunk(choice.index, {"tool_calls": [choice.calls.fragment(event)]}, out)
            case Citation():
                if len(self._citations) < CITATIONS_LIMIT:
                    self._citations.append(event)
            case Image():
                self._picture(event, out)
            case Usage():
                self._usage = event
            case Passthrough():
                self._merge(event, out)
            case Finish():
                self._finish(event, out)
            case Text() | Reasoning() | Failure():
                pass  # the first two are handled above; a failure is the caller's to tell

    def _picture(self, image: Image, out: list[bytes]) -> None:
        """A picture for those who read words, and for those who read data; both in one piece."""
        choice = self._choice(image.choice, out)
        gap = "" if choice.new_line else "\n\n"
        piece = choice.content.escape(f"{gap}{image_markdown(image)}\n")
        images = b',"images":' + json_bytes([image_part(image, choice.pictures)])
        self._delta(choice, b'"content":', piece + images, out)
        choice.pictures += 1
        choice.new_line = True

    def _choice(self, index: int, out: list[bytes], *, tools: bool = False) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index)
        if not choice.started:
            choice.started = True
            content = b"null" if tools else b'""'
            rest = b"," + json_bytes(choice.opening)[1:-1] if choice.opening else b""
            self._delta(choice, b'"role":"assistant","content":', content + rest, out)
        return choice

    def _opening(self) -> bytes:
        """What the next chunk begins with."""
        if not self._once and not self._silent:
            return self._open
        self._silent = False
        once, self._once = self._once, {}
        return self._open.removesuffix(_CHOICES) + b"," + json_bytes(once)[1:-1] + _CHOICES if once else self._open

    def _delta(
        self, choice: _Choice, name: bytes, value: bytes, out: list[bytes], beside: Passthrough | None = None
    ) -> None:
        end = _END
        if beside is not None:
            end = b"}," + json_bytes(extension_fields("choice", beside.fields))[1:-1] + end[1:]
        out += (self._opening(), choice.before, name, value, end, self._close)

    def _chunk(self, index: int, delta: Mapping[str, Any], out: list[bytes], **fields: Any) -> None:
        choice = {"index": index, "delta": delta, "finish_reason": None, **fields}
        out += (self._opening(), json_bytes(choice), self._close)

    def _merge(self, extra: Passthrough, out: list[bytes]) -> None:
        if extra.scope == "chunk" and "id" in extra.fields and self._silent:
            self._id = extra.fields["id"]  # all chunks have one id: the API's, if it comes before the first
            self._prepare()
        fields = extension_fields(extra.scope, extra.fields)
        if not fields:
            return
        if extra.scope == "chunk":
            self._note_around(fields)
            return
        known = self._choices.setdefault(extra.choice, _Choice(extra.choice))
        if extra.scope == "delta" and not known.started and all(map(is_empty, fields.values())):
            known.opening |= fields
            return
        self._choice(extra.choice, out)
        if extra.scope == "choice":
            self._chunk(extra.choice, {}, out, **fields)
        else:
            self._chunk(extra.choice, fields, out)

    def _note_around(self, fields: Mapping[str, Any]) -> None:
        """Fields beside the choices go out with the next chunk; those of every chunk, with every one."""
        for name, value in fields.items():
            lasting = name in REPEATED and len(json_bytes(value)) <= REPEATED_BYTES
            place, other = (self._extra, self._once) if lasting else (self._once, self._extra)
            place[name] = value
            changed = other.pop(name, None) is not None
            if lasting or changed:
                self._prepare()

    def _finish(self, finish: Finish, out: list[bytes]) -> None:
        # Every candidate that began gets an end of its own, named in `others` or not.
        reasons = dict.fromkeys((0, *self._choices), finish.reason) | dict(finish.others)
        for index in sorted(reasons):
            choice = self._choice(index, out)
            self._flush(choice, out)
            if index == 0 and self._citations:
                self._chunk(0, {"annotations": annotations(self._citations)}, out)
            self._chunk(index, {}, out, finish_reason=reasons[index])
        if self._include_usage:
            usage = usage_object(self._usage or Usage(0, 0, 0))
            out += (self._open, b'],"usage":', json_bytes(usage), b"}\n\n")
        out.append(DONE)

    def _flush(self, choice: _Choice, out: list[bytes]) -> None:
        """The halves of surrogate pairs that still waited."""
        if rest := choice.reasoning.rest():
            self._delta(choice, b'"reasoning_content":', json_bytes(rest), out)
        if rest := choice.content.rest():
            self._delta(choice, b'"content":', json_bytes(rest), out)
        if choice.calls and (fragments := choice.calls.rest()):
            self._chunk(choice.index, {"tool_calls": fragments}, out)
