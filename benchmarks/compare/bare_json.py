"""A script for a bare mitmdump: each event of a stream is read as JSON and written again, as any gateway must."""

import json
from collections.abc import Callable

from mitmproxy import http


def _rewriting() -> Callable[[bytes], bytes | list[bytes]]:
    held = b""

    def rewrite(data: bytes) -> bytes | list[bytes]:
        nonlocal held
        *events, held = (held + data).split(b"\n\n")
        out = [b"data: " + _again(event.removeprefix(b"data: ")) + b"\n\n" for event in events if event]
        return b"".join(out) if out else []  # (b"" would be written as the end of the body)

    return rewrite


def _again(payload: bytes) -> bytes:
    return payload if payload == b"[DONE]" else json.dumps(json.loads(payload)).encode()


def responseheaders(flow: http.HTTPFlow) -> None:
    if flow.response is not None and "event-stream" in flow.response.headers.get("content-type", ""):
        flow.response.stream = _rewriting()


def response(flow: http.HTTPFlow) -> None:
    if flow.response is not None and not flow.response.stream and flow.response.content:
        flow.response.content = json.dumps(json.loads(flow.response.content)).encode()
