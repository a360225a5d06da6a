"""What the tests of the door send, and how they read its refusals."""

import json
from collections.abc import Iterator

from mitmproxy import http

KEY = "opaque0123456789opaque0123456789"
"""Of a form that no pattern knows."""
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
DONE = b"6\r\n[DONE]\r\n"


def refusal() -> http.Response:
    return http.Response.make(401, b'{"error":{"code":"invalid_api_key"}}', {"content-type": "application/json"})


def error_of(raw: bytes) -> dict[str, str]:
    error: dict[str, str] = json.loads(raw.partition(b"\r\n\r\n")[2])["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def cuts(data: bytes, step: int = 1) -> Iterator[tuple[bytes, bytes]]:
    return ((data[:at], data[at:]) for at in range(1, len(data), step))
