"""The dialect of the legacy POST /v1/completions: one prompt in, plain text out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr
from pydantic_core import to_json

from addons.core.errors import GatewayError
from addons.dialects.answer import picture, usage_object
from addons.dialects.base import KEEPALIVE, AnswerMeta, ParsedRequest
from addons.dialects.body import bad, read_object, validated
from addons.dialects.chat_request import to_parsed
from addons.dialects.chat_schema import ChatBody
from addons.dialects.chat_stream import DONE
from addons.dialects.text import JsonText, joined
from providers.events import Event, Finish, Image, Text, Usage

_REFUSED: dict[str, tuple[object, ...]] = {
    "suffix": (None, ""),
    "echo": (None, False),
    "best_of": (None, 1),
    "n": (None, 1),
    "logprobs": (None, 0),
}
"""Fields the legacy form has that no chat model can honour, with the values that change nothing."""


class _CompletionBody(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: StrictStr = Field(min_length=1, max_length=256)
    prompt: StrictStr | Annotated[list[StrictStr], Field(min_length=1, max_length=1)]
    stream: StrictBool | None = None
    max_tokens: StrictInt | None = Field(default=None, ge=0)


class Completions:
    def parse(self, body: bytes) -> ParsedRequest:
        raw = read_object(body)
        form = validated(_CompletionBody, raw)
        for name, neutral in _REFUSED.items():
            if raw.get(name) not in neutral:
                raise bad(f"{name} is not supported for chat models", name, "unsupported_parameter")
        prompt = form.prompt if isinstance(form.prompt, str) else form.prompt[0]
        rest = {name: value for name, value in raw.items() if name not in ("prompt", *_REFUSED)}
        rest["messages"] = [{"role": "user", "content": prompt}]
        if rest.get("max_tokens") == 0:
            raise bad("max_tokens must be at least 1", "max_tokens")
        parsed = to_parsed(rest, validated(ChatBody, rest))
        return replace(parsed, fields=frozenset(name for name, value in raw.items() if value is not None))

    def stream(self, parsed: ParsedRequest, meta: AnswerMeta) -> "_TextStream":
        return _TextStream(_text_meta(meta), include_usage=parsed.include_usage)

    def whole(self, parsed: ParsedRequest, meta: AnswerMeta) -> "_TextWhole":
        return _TextWhole(_text_meta(meta))


def _text_meta(meta: AnswerMeta) -> AnswerMeta:
    return replace(meta, id="cmpl-" + meta.id.removeprefix("chatcmpl-"))


type _Reason = Literal["stop", "length", "content_filter"]


def _reason(finish: Finish) -> _Reason:
    return finish.reason if finish.reason in ("length", "content_filter") else "stop"


def _text(event: Event) -> str:
    if isinstance(event, Text):
        return event.text
    return picture(event) if isinstance(event, Image) else ""


class _TextStream:
    keepalive = KEEPALIVE

    def __init__(self, meta: AnswerMeta, *, include_usage: bool) -> None:
        self._head = {"id": meta.id, "object": "text_completion", "created": meta.created, "model": meta.model}
        self._include_usage = include_usage
        self._usage = Usage(0, 0, 0)
        self._escape = JsonText()

    def encode(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if text := _text(event):
                out.append(self._chunk(self._escape.escape(text), b"null"))
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Finish):
                out.append(self._chunk(to_json(self._escape.rest()), to_json(_reason(event))))
                if self._include_usage:
                    last = {**self._head, "choices": [], "usage": usage_object(self._usage)}
                    out.append(b"data: " + to_json(last) + b"\n\n")
                out.append(DONE)
        return b"".join(out)

    def error(self, error: GatewayError) -> bytes:
        return b"data: " + error.body() + b"\n\n"

    def _chunk(self, text: bytes, reason: bytes) -> bytes:
        usage = b',"usage":null' if self._include_usage else b""
        head = b"data: " + to_json(self._head)[:-1]
        choice = b',"choices":[{"index":0,"logprobs":null,"text":' + text + b',"finish_reason":' + reason + b"}]"
        return head + choice + usage + b"}\n\n"


class _TextWhole:
    def __init__(self, meta: AnswerMeta) -> None:
        self._meta = meta
        self._text: list[str] = []
        self._usage = Usage(0, 0, 0)
        self._reason: _Reason = "stop"

    def add(self, events: Sequence[Event]) -> None:
        for event in events:
            self._text.append(_text(event))
            if isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Finish):
                self._reason = _reason(event)

    def result(self) -> bytes:
        text = joined("".join(self._text))
        choice: dict[str, Any] = {"index": 0, "text": text, "logprobs": None, "finish_reason": self._reason}
        completion = {
            "id": self._meta.id,
            "object": "text_completion",
            "created": self._meta.created,
            "model": self._meta.model,
            "choices": [choice],
            "usage": usage_object(self._usage),
        }
        return to_json(completion)
