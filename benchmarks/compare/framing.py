"""Answers of HTTP/1.1 as bytes: with a length, or in chunks."""

import json
from typing import Final

WORDS: Final = ("word ", "more ")
"""In turn: LiteLLM ends a stream in which a piece comes a hundred times on end."""


def head(kind: str, length: int | None, status: str = "200 OK") -> bytes:
    body = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{body}\r\n\r\n".encode()


def whole(value: object) -> bytes:
    """A page of bytes, or a JSON document."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return head("text/html" if isinstance(value, bytes) else "application/json", len(content)) + content


def chunk_of(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM_HEAD: Final = head("text/event-stream", None)
BODY_END: Final = b"0\r\n\r\n"
