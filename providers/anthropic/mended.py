"""Events of a stream of the Messages form: their data, and how they are written with what clients cannot do without."""

from collections.abc import Mapping
from typing import Any, Final

from providers.formats.jsontext import EVENT_VALUES, INVALID, dumps, loads, mapping, text

_COUNTS: Final = ("input_tokens", "output_tokens")


def event_of(value: Mapping[str, Any]) -> bytes:
    """An event, written."""
    return b"event: " + text(value.get("type")).encode() + b"\ndata: " + dumps(value) + b"\n\n"


def counted(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """A message with both its counts, 0 for one that is not told; None where it has them."""
    usage = mapping(message.get("usage"))
    if all(name in usage for name in _COUNTS):
        return None
    return {**message, "usage": {**dict.fromkeys(_COUNTS, 0), **usage}}


def ended(event: Mapping[str, Any], reason: str, output_tokens: int) -> dict[str, Any] | None:
    """A message_delta with the reason that is known, and a count; None where it has both."""
    delta, usage = mapping(event.get("delta")), mapping(event.get("usage"))
    if (delta.get("stop_reason") or not reason) and "output_tokens" in usage:
        return None
    told = {**delta, "stop_reason": delta.get("stop_reason") or reason or None}
    return {**event, "delta": told, "usage": {"output_tokens": output_tokens, **usage}}


def data_of(block: bytes) -> bytes | None:
    """The data of an event; None where it has none."""
    lines = [line.removeprefix(b"data:").removeprefix(b" ") for line in block.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None


def is_half(block: bytes) -> bool:
    """Whether the data of an event that has not ended is none yet: half an event is told to nobody."""
    payload = data_of(block)
    return payload is not None and payload.strip() != b"[DONE]" and loads(payload, EVENT_VALUES) is INVALID
