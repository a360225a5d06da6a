"""A provider that misbehaves in the way a test asks for: programs of small verbs over raw sockets."""

import gzip
import json
import threading
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.server import Request, Site, Wire

type Program = Callable[[Wire], Awaitable[None]]

WORDS = ("Hello ", "wor", "ld 🌍")
TEXT = "".join(WORDS)


def chunk(text: str = "", finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    return (
        b"data: " + json.dumps({"id": "c", "object": "x", "choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"
    )


DONE = b"data: [DONE]\n\n"
STREAM = b"".join(chunk(word) for word in WORDS) + chunk(finish="stop") + DONE


def head(*lines: str, status: str = "200 OK", kind: str = "text/event-stream") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"content-type: {kind}", *lines, "", ""]).encode()


def framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = "transfer-encoding: chunked"
END = b"0\r\n\r\n"


@dataclass
class Hostile(Site):
    """Plays `programs` by the name that stands in the prompt; anything else is answered well."""

    name: str = "hostile"
    programs: dict[str, Program] = field(default_factory=dict)
    sent_bytes: int = 0

    def session(self) -> dict[str, Any]:
        return {"api_key": "sk-hostile-0123456789"}

    async def handle(self, request: Request, wire: Wire) -> None:
        body = request.json()
        messages = body.get("messages") if isinstance(body, dict) else None
        name = str(messages[-1]["content"]).partition(" ")[0] if messages else ""
        program = self.programs.get(name)
        if program is None:
            await wire.raw(head(CHUNKED) + framed(STREAM) + END)
        else:
            await program(wire)


def sends(*pieces: bytes, then: str = "") -> Program:
    """Raw bytes, one packet each, and then: nothing, `close`, `reset` or `silence`."""

    async def program(wire: Wire) -> None:
        for piece in pieces:
            await wire.raw(piece)
        if then == "close":
            wire.hang_up()
        elif then == "reset":
            await wire.pause(0.05)  # the bytes before must get out first
            wire.reset()
        elif then == "silence":
            await wire.wait_gone()

    return program


def sliced(data: bytes, size: int) -> Program:
    async def program(wire: Wire) -> None:
        await wire.raw(head(CHUNKED))
        for at in range(0, len(data), size):
            await wire.raw(framed(data[at : at + size]))
        await wire.raw(END)

    return program


def packed(data: bytes, encoding: str) -> bytes:
    return gzip.compress(data) if encoding == "gzip" else zlib.compress(data)


def once(first: Program, later: Program) -> Program:
    """`first` at the first call, `later` afterwards."""
    calls: list[bool] = []

    async def program(wire: Wire) -> None:
        calls.append(True)
        await (first if len(calls) == 1 else later)(wire)

    return program


def held(let_go: threading.Event) -> Program:
    """An answer whose middle waits for the test."""

    async def program(wire: Wire) -> None:
        await wire.raw(head(CHUNKED) + framed(chunk(WORDS[0])))
        while not let_go.is_set():
            await wire.pause(0.02)
        await wire.raw(framed(STREAM[len(chunk(WORDS[0])) :]) + END)

    return program


GOOD = sends(head(CHUNKED) + framed(STREAM) + END)
