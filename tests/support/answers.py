"""What the providers of the harness say: sign-in tokens, answers as bytes, and `Site` for the calls of steps."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Self

import httpx

from providers.sandbox.tokens import jwt
from providers.sandbox.zai.frames import data_frame
from tests.support.http1 import END, chunk

STREAM: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

type Said = httpx.Response | tuple[int, object]
type Reply = Said | Callable[[httpx.Request], Said | Awaitable[Said]]


def zai_token(person: str = "ada") -> str:
    return jwt({"id": person, "email": f"{person}@example.com"})


def frame(value: object) -> bytes:
    """A server-sent event, as a chunk of a body."""
    return chunk(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")


def whole(status: int, body: object, **headers: str) -> bytes:
    """An answer in one piece: JSON, or the bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + content


def word(text: str) -> bytes:
    """A word of a streamed answer of an official API."""
    return frame({"id": "up-1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


FINISH: Final = frame({"id": "up-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
DONE: Final = frame(b"[DONE]") + END
"""What follows FINISH."""


def answer(text: str) -> bytes:
    """A whole answer of an official API."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return whole(200, {"id": "up-1", "object": "chat.completion", "choices": [choice], "usage": usage})


def said(text: str) -> bytes:
    """A word of Z.AI's answer."""
    return chunk(data_frame({"delta_content": text, "phase": "answer"}))


ALL_SAID: Final = chunk(data_frame({"phase": "done", "done": True})) + END
"""The end of Z.AI's."""


async def _in_one_piece(content: bytes) -> AsyncIterator[bytes]:
    """httpx reads bytes when it is given them, and a body but once."""
    yield content


class Site:
    """Answers the gateway's own calls: `replies` by method and path; what is not in it is not there."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[httpx.Request] = []
        self.chats = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self.replies.get(f"{request.method} {request.url.path}", (404, {"detail": "Not Found"}))
        said = reply(request) if callable(reply) else reply
        found = said if isinstance(said, httpx.Response | tuple) else await said
        if isinstance(found, httpx.Response):
            return found
        content = found[1] if isinstance(found[1], bytes) else json.dumps(found[1]).encode()
        return httpx.Response(found[0], content=_in_one_piece(content))

    def makes_chats(self) -> Self:
        """As Z.AI does."""

        def made(request: httpx.Request) -> Said:
            self.chats += 1
            return 200, {"id": f"chat-{self.chats}"}

        self.replies["POST /api/v1/chats/new"] = made
        return self

    def count(self, call: str) -> int:
        """How often it was asked; `GET /path`."""
        return [f"{request.method} {request.url.path}" for request in self.asked].count(call)
