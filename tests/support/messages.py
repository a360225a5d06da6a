"""Anthropic's SDK before a gateway of this process, and what streams of its form say."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2

from tests.support.served import URL, Served
from tests.support.visit import KEY


class _Body(httpx2.SyncByteStream):
    def __init__(self, body: Any) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield from self._body

    def close(self) -> None:
        self._body.close()


class _Desk(httpx2.BaseTransport):
    """A gateway's desk for the SDK's own make of clients."""

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway
        self.requests = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        asked: Any = request
        found = self._gateway.desk.handle_request(asked)
        return httpx2.Response(found.status_code, headers=found.headers.raw, stream=_Body(found.stream))


def messages_sdk(gateway: Served, **more: Any) -> anthropic.Anthropic:
    """The real SDK, refusing anything that is not of the declared form; it does not repeat by itself."""
    client = httpx2.Client(transport=_Desk(gateway))
    how: dict[str, Any] = {"api_key": KEY, "base_url": URL, "max_retries": 0, **more}
    return anthropic.Anthropic(http_client=client, _strict_response_validation=True, **how)


def told(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Names and data of a stream's events."""
    found = []
    for piece in stream.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in piece.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def names(stream: bytes) -> list[str]:
    return [name for name, _ in told(stream)]


def put_together(stream: bytes) -> list[dict[str, Any]]:
    """The blocks of a stream, with their deltas joined; fails where it is not of the form."""
    blocks: list[dict[str, Any]] = []
    is_open = False
    for name, data in told(stream):
        if name == "content_block_start":
            assert not is_open
            assert data["index"] == len(blocks)
            is_open = True
            blocks.append({**data["content_block"], "json": ""})
        elif name == "content_block_delta":
            assert is_open
            assert data["index"] == len(blocks) - 1
            delta, block = data["delta"], blocks[-1]
            match delta["type"]:
                case "text_delta":
                    block["text"] += delta["text"]
                case "thinking_delta":
                    block["thinking"] += delta["thinking"]
                case "signature_delta":
                    assert not block["signature"]
                    block["signature"] = delta["signature"]
                case "input_json_delta":
                    block["json"] += delta["partial_json"]
        elif name == "content_block_stop":
            assert is_open
            is_open = False
    assert not is_open
    for block in blocks:
        arguments = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = json.loads(arguments)
    return blocks
