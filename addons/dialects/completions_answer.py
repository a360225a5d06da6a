"""Events to the answers of the legacy /v1/completions."""

from collections.abc import Sequence
from typing import Any, Literal

from addons.core.errors import GatewayError
from addons.dialects.answer import picture, usage_object
from addons.dialects.base import KEEPALIVE, AnswerMeta
from addons.dialects.chat_stream import DONE
from addons.dialects.text import JsonText, joined, json_bytes
from providers.events import Event, Finish, Image, Text, Usage

type _Reason = Literal["stop", "length", "content_filter"]


def _reason(finish: Finish) -> _Reason:
    """The form knows no other reasons."""
    return finish.reason if finish.reason in ("length", "content_filter") else "stop"


def _text(event: Event) -> str:
    if isinstance(event, Text):
        return event.text
    return picture(event) if isinstance(event, Image) else ""


class TextStream:
    """The StreamEncoder of /v1/completions."""

    keepalive = KEEPALIVE

    def __init__(self, meta: AnswerMeta, *, include_usage: bool) -> None:
        head = {"id": meta.id, "object": "text_completion", "created": meta.created, "model": meta.model}
        self._open = b"data: " + json_bytes(head)[:-1] + b',"choices":['
        self._close = b'],"usage":null}\n\n' if include_usage else b"]}\n\n"
        self._include_usage = include_usage
        self._usage = Usage(0, 0, 0)
        self._escape = JsonText()

    def encode(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if text := _text(event):
                self._chunk(self._escape.escape(text), b"null", out)
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Finish):
                self._chunk(json_bytes(self._escape.rest()), json_bytes(_reason(event)), out)
                if self._include_usage:
                    out += (self._open, b'],"usage":', json_bytes(usage_object(self._usage)), b"}\n\n")
                out.append(DONE)
        return b"".join(out)

    def error(self, error: GatewayError) -> bytes:
        return b"data: " + error.body() + b"\n\n"

    def _chunk(self, text: bytes, reason: bytes, out: list[bytes]) -> None:
        opening = b'{"index":0,"logprobs":null,"text":'
        out += (self._open, opening, text, b',"finish_reason":', reason, b"}", self._close)


class TextWhole:
    """The WholeEncoder of /v1/completions."""

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
        return json_bytes(completion)
