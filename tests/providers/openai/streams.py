"""Streams of the OpenAI form for the tests: writing them, cutting them, and what comes out put together."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form

FIXTURES = Path(__file__).parents[2] / "fixtures" / "openai"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


@dataclass
class Answer:
    """All events of an answer, joined."""

    text: dict[int, str] = field(default_factory=dict)
    reasoning: dict[int, str] = field(default_factory=dict)
    calls: list[tuple[int, int, str | None, str | None, str]] = field(default_factory=list)
    """(choice, index, id, name, arguments) of each tool call."""
    citations: list[Citation] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    extra: list[tuple[str, int, Any]] = field(default_factory=list)
    id: str | None = None
    usage: Usage | None = None
    end: Finish | Failure | None = None

    @property
    def failure(self) -> Any:
        assert isinstance(self.end, Failure), self.end
        return self.end.error


def joined(events: Sequence[Event]) -> Answer:
    answer = Answer()
    assert sum(isinstance(event, Finish | Failure) for event in events) == 1
    assert isinstance(events[-1], Finish | Failure)
    for event in events:
        match event:
            case Text():
                answer.text[event.choice] = answer.text.get(event.choice, "") + event.text
            case Reasoning():
                answer.reasoning[event.choice] = answer.reasoning.get(event.choice, "") + event.text
            case ToolCallDelta():
                _add_call(answer.calls, event)
            case Citation():
                answer.citations.append(event)
            case Image():
                answer.images.append(event)
            case Passthrough():
                fields = dict(event.fields)
                if event.scope == "chunk":
                    answer.id = fields.pop("id", answer.id)
                if fields:
                    answer.extra.append((event.scope, event.choice, fields))
            case Usage():
                assert answer.usage is None, "usage is told once"
                answer.usage = event
            case Finish() | Failure():
                answer.end = event
    return answer


def _add_call(calls: list[tuple[int, int, str | None, str | None, str]], event: ToolCallDelta) -> None:
    for at, (choice, index, call_id, name, arguments) in enumerate(calls):
        if (choice, index) == (event.choice, event.index):
            assert event.id is None, "id and name come in the first fragment alone"
            assert event.name is None
            calls[at] = (choice, index, call_id, name, arguments + event.arguments)
            return
    calls.append((event.choice, event.index, event.id, event.name, event.arguments))


def decode(parts: Sequence[bytes], form: Form | None = None, **options: Any) -> Answer:
    decoder = OpenAIDecoder(form or Form(), **options)
    events = [event for part in parts for event in decoder.feed(part)]
    events += decoder.close()
    assert decoder.close() == []
    assert decoder.feed(b'data: {"choices":[{"delta":{"content":"late"}}]}\n\n') == []
    return joined(events)


def delta(fields: Any, index: int | None = 0, reason: str | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"delta": fields, "finish_reason": reason, **more}
    return found if index is None else {"index": index, **found}


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": list(choices), **more}


def words(text: str, reason: str | None = None) -> dict[str, Any]:
    return chunk(delta({"content": text}, reason=reason))


def sse(*frames: Any, done: bool = True) -> bytes:
    """Frames as a stream; bytes and strings stand for themselves."""
    out = bytearray()
    for frame in frames:
        if isinstance(frame, bytes):
            out += frame
        elif isinstance(frame, str):
            out += frame.encode()
        else:
            out += b"data: " + json.dumps(frame, ensure_ascii=False).encode() + b"\n\n"
    return bytes(out) + (b"data: [DONE]\n\n" if done else b"")


STOP = chunk(delta({}, reason="stop"))
"""The frame that says why the answer ended."""
