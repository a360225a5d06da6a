"""A whole message as the events of a stream, for a client that wants one of an API that does not stream."""

from collections.abc import Iterator
from typing import Any, Final

from providers.formats.jsontext import dumps, mapping

_TEXTS: Final = {"text": ("text", "text_delta"), "thinking": ("thinking", "thinking_delta")}
"""Type of a block → the field of its text, and the delta that brings it."""


def as_events(message: dict[str, Any]) -> bytes:
    """The events, one behind the other."""
    return b"".join(
        b"event: " + str(value["type"]).encode() + b"\ndata: " + dumps(value) + b"\n\n" for value in _events(message)
    )


def _events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    head = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    head["usage"] = {"input_tokens": 0, "output_tokens": 0, **mapping(message.get("usage"))}
    yield {"type": "message_start", "message": head}
    for index, block in enumerate(map(mapping, message["content"])):
        begin, deltas = _opened(block)
        yield {"type": "content_block_start", "index": index, "content_block": begin}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {"stop_reason": message.get("stop_reason"), "stop_sequence": message.get("stop_sequence")}
    yield {"type": "message_delta", "delta": end, "usage": head["usage"]}
    yield {"type": "message_stop"}


def _opened(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The beginning of a block, and the deltas that bring what it holds."""
    kind = block.get("type")
    if kind == "tool_use" or kind == "server_tool_use":
        return {**block, "input": {}}, [
            {"type": "input_json_delta", "partial_json": dumps(block.get("input") or {}).decode()}
        ]
    if kind not in _TEXTS:
        return block, []
    name, delta = _TEXTS[kind]
    deltas: list[dict[str, Any]] = [{"type": delta, name: block.get(name, "")}]
    deltas += [{"type": "citations_delta", "citation": citation} for citation in block.get("citations") or ()]
    begin = {key: value for key, value in block.items() if key != "citations"} | {name: ""}
    if kind == "thinking":
        deltas.append({"type": "signature_delta", "signature": block.get("signature", "")})
        begin["signature"] = ""
    return begin, deltas
