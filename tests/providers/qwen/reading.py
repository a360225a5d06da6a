"""Reads a Qwen stream for the tests: events as they come, and what they join to."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.contract.events import Citation, Event, Failure, Finish, Image, Reasoning, Text, Usage
from providers.qwen.decoder import DecoderOptions, QwenDecoder

FIXTURES = Path(__file__).parents[2] / "fixtures" / "qwen"
FILE_BASE = "https://chat.qwen.ai/api/v2/chat/c1"


@dataclass
class Read:
    """An answer put together."""

    text: str = ""
    reasoning: str = ""
    citations: list[Citation] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    usage: Usage | None = None
    end: str = ""
    unknown: dict[str, int] = field(default_factory=dict)


def fixture(name: str) -> bytes:
    return (FIXTURES / f"synthetic-{name}.sse").read_bytes()


def decode(pieces: Iterable[bytes], options: DecoderOptions | None = None) -> tuple[list[Event], QwenDecoder]:
    """All events of a stream that comes in these pieces. Nothing may follow the terminal event."""
    decoder = QwenDecoder(options or DecoderOptions(file_base=FILE_BASE))
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(piece)
    events += decoder.close()
    terminals = [event for event in events if isinstance(event, Finish | Failure)]
    assert len(terminals) == 1
    assert events[-1] is terminals[0]
    assert decoder.feed(b'data: {"choices":[{"delta":{"phase":"answer","content":"late"}}]}\n\n') == []
    assert decoder.close() == []
    return events, decoder


def read(pieces: Iterable[bytes], options: DecoderOptions | None = None) -> Read:
    """The answer that a stream in these pieces joins to."""
    events, decoder = decode(pieces, options)
    found = Read(unknown=dict(decoder.unknown))
    for event in events:
        match event:
            case Text():
                found.text += event.text
            case Reasoning():
                found.reasoning += event.text
            case Citation():
                found.citations.append(event)
            case Image():
                found.images.append(event.url)
            case Usage():
                found.usage = event
            case Finish():
                found.end = event.reason
            case Failure():
                found.end = f"{event.error.kind.value} {event.error.site_code}"
            case _:
                raise AssertionError(event)
    return found


def frames(*deltas: dict[str, Any]) -> list[bytes]:
    return [b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n" for delta in deltas]


def answer(content: str, status: str = "typing") -> dict[str, Any]:
    return {"phase": "answer", "content": content, "status": status, "role": "assistant"}
