"""Events to the answers of the legacy /v1/completions."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from addons.dialects.base import EVENT_STREAM, KEEPALIVE, AnswerMeta, WholeEncoder
from addons.dialects.chat_completions.stream import DONE
from addons.dialects.openai.answer import extension_fields, image_markdown, merged_logprobs, usage_object
from addons.dialects.openai.error import error_frame
from addons.dialects.text import JsonText, joined, json_bytes
from addons.errors import GatewayError
from providers.contract.events import Event, Finish, FinishReason, Image, Passthrough, Text, Usage, Withdrawn

type _Reason = Literal["stop", "length", "content_filter"]


def _reason(reason: FinishReason) -> _Reason:
    """The form knows no other reasons."""
    return reason if reason in ("length", "content_filter") else "stop"


def _reasons(finish: Finish, begun: Sequence[int]) -> dict[int, _Reason]:
    """The reason of each candidate, in order."""
    reasons = dict.fromkeys((0, *begun), finish.reason) | dict(finish.others)
    return {index: _reason(reasons[index]) for index in sorted(reasons)}


def _text(event: Event) -> str:
    if isinstance(event, Text):
        return event.text
    return image_markdown(event) if isinstance(event, Image) else ""


class _Refusals:
    """What the model says of a refusal: words like others, for which the form has one place."""

    def __init__(self) -> None:
        self._begun: set[int] = set()

    def text(self, event: Passthrough, *, behind_words: bool) -> str:
        words = event.fields.get("refusal")
        if not isinstance(words, str) or not words:
            return ""
        gap = "\n\n" if behind_words and event.choice not in self._begun else ""
        self._begun.add(event.choice)
        return gap + words


class TextStream:
    """The Encoder of streams of /v1/completions."""

    streaming = True
    content_type = EVENT_STREAM
    keepalive = KEEPALIVE

    def __init__(self, meta: AnswerMeta, *, include_usage: bool) -> None:
        self._head = {"id": meta.id, "object": "text_completion", "created": meta.created, "model": meta.model}
        self._close = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._include_usage = include_usage
        self._usage = Usage(0, 0, 0)
        self._escapes: dict[int, JsonText] = {}
        self._refusals = _Refusals()
        self._around: dict[str, Any] = {}
        """Fields for the next piece."""
        self._prepare()

    def _prepare(self) -> None:
        self._open = b"data: " + json_bytes(self._head)[:-1] + b',"choices":['

    def encode(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for at, event in enumerate(events):
            if text := _text(event):
                index = event.choice if isinstance(event, Text | Image) else 0
                # What the API says of a piece (logprobs) comes right behind it, and belongs to it.
                behind = events[at + 1] if at + 1 < len(events) else None
                self._chunk(index, self._escape(index).escape(text), b"null", _beside(behind, index), out)
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Passthrough):
                self._extra(event, events[at - 1] if at else None, out)
            elif isinstance(event, Finish):
                self._finish(event, out)
        return b"".join(out)

    def error(self, error: GatewayError) -> bytes:
        return error_frame(error)

    def _escape(self, index: int) -> JsonText:
        return self._escapes.setdefault(index, JsonText())

    def _extra(self, extra: Passthrough, before: Event | None, out: list[bytes]) -> None:
        if extra.scope == "chunk":
            if "id" in extra.fields and not self._escapes:
                self._head["id"] = extra.fields["id"]
                self._prepare()
            self._around |= extension_fields("chunk", extra.fields)
        elif extra.scope == "delta":
            if words := self._refusals.text(extra, behind_words=extra.choice in self._escapes):
                self._chunk(extra.choice, self._escape(extra.choice).escape(words), b"null", {}, out)
        elif extra.scope == "choice" and not (
            isinstance(before, Text) and before.text and before.choice == extra.choice
        ):
            self._chunk(extra.choice, b'""', b"null", _beside(extra, extra.choice), out)

    def _finish(self, finish: Finish, out: list[bytes]) -> None:
        for index, reason in _reasons(finish, list(self._escapes)).items():
            self._chunk(index, json_bytes(self._escape(index).rest()), json_bytes(reason), {}, out)
        if self._include_usage:
            out += (self._open, b'],"usage":', json_bytes(usage_object(self._usage)), b"}\n\n")
        out.append(DONE)

    def _chunk(self, index: int, text: bytes, reason: bytes, beside: Mapping[str, Any], out: list[bytes]) -> None:
        fields = json_bytes({"index": index, "logprobs": None, **beside})[:-1]
        around, self._around = json_bytes(self._around)[1:-1], {}
        comma = b"," if around else b""
        out += (self._open, fields, b',"text":', text, b',"finish_reason":', reason, b"}]", comma, around, self._close)


def _beside(event: Event | None, index: int) -> Mapping[str, Any]:
    if not isinstance(event, Passthrough) or event.scope != "choice" or event.choice != index:
        return {}
    return {name: value for name, value in extension_fields("choice", event.fields).items() if name != "text"}


class _Choice:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.fields: dict[str, Any] = {"logprobs": None}
        self.reason: _Reason = "stop"


class TextWhole(WholeEncoder):
    """The Encoder of whole answers of /v1/completions."""

    def __init__(self, meta: AnswerMeta) -> None:
        self._meta = meta
        self._id = meta.id
        self._choices: dict[int, _Choice] = {0: _Choice()}
        self._refusals = _Refusals()
        self._usage = Usage(0, 0, 0)
        self._extra: dict[str, Any] = {}

    def _add(self, events: Sequence[Event]) -> None:
        for event in events:
            if text := _text(event):
                self._choice(event.choice if isinstance(event, Text | Image) else 0).text.append(text)
            elif isinstance(event, Withdrawn):
                self._choice(0).text.clear()
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Passthrough) and event.scope == "chunk":
                self._id = event.fields.get("id", self._id)
                self._extra |= extension_fields("chunk", event.fields)
            elif isinstance(event, Passthrough) and event.scope == "delta":
                said = self._choice(event.choice).text
                said.append(self._refusals.text(event, behind_words=bool(said)))
            elif isinstance(event, Passthrough) and event.scope == "choice":
                fields = self._choice(event.choice).fields
                for name, value in _beside(event, event.choice).items():
                    fields[name] = merged_logprobs(fields.get(name), value)
            elif isinstance(event, Finish):
                for index, reason in _reasons(event, list(self._choices)).items():
                    self._choice(index).reason = reason

    def _result(self) -> bytes:
        completion = {
            "id": self._id,
            "object": "text_completion",
            "created": self._meta.created,
            "model": self._meta.model,
            "choices": [
                {"index": index, "text": joined("".join(one.text)), **one.fields, "finish_reason": one.reason}
                for index, one in sorted(self._choices.items())
            ],
            "usage": usage_object(self._usage),
            **self._extra,
        }
        return json_bytes(completion)

    def _choice(self, index: int) -> _Choice:
        return self._choices.setdefault(index, _Choice())
