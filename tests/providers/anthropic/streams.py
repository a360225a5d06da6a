"""Events and accounts for the tests of APIs of the Messages form. All secrets are made up."""

import json
from typing import Any, Final

from providers.anthropic.options import AnthropicOptions
from providers.anthropic.provider import Anthropic
from providers.contract.chat import Message
from providers.contract.native import MessagesRequest
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Moment
from tests.support.calls import Seen, seen
from tests.support.turns import turn_of

MOMENT: Final = Moment(epoch_ms=1_790_000_000_000, new_id=lambda: "id")
KEY: Final = Session("api", "key1", ("api_key",))
PING: Final = {"type": "ping"}


def site(**options: Any) -> Anthropic:
    return Anthropic("api", AnthropicOptions.model_validate({"base_url": "http://127.0.0.1:1", **options}))


def known(preset: str, **options: Any) -> Anthropic:
    return Anthropic("api", AnthropicOptions.model_validate({"preset": preset, **options}))


def chat(*messages: Message, model: str = "m", **fields: Any) -> ChatRequest:
    return ChatRequest(model, messages or (Message("user", "hi"),), **fields)


def native(body: bytes, *, model: str = "m", headers: tuple[tuple[str, str], ...] = ()) -> MessagesRequest:
    fields = json.loads(body)
    return MessagesRequest(model, chat(model=model), body, fields, headers, stream=bool(fields.get("stream")))


def call(provider: Anthropic, request: ChatRequest | MessagesRequest, session: Session = KEY) -> Seen:
    return seen(turn_of(provider, request, session).call(MOMENT))


def written(provider: Anthropic, request: ChatRequest) -> dict[str, Any]:
    """The body of a chat."""
    found: dict[str, Any] = json.loads(call(provider, request).body)
    return found


# -- events -----------------------------------------------------------------------------------------------------------
def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e, separators=(',', ':'))}\n\n".encode() for e in events)


def start(**usage: int) -> dict[str, Any]:
    counts = {"input_tokens": 12, "output_tokens": 1, **usage}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": counts}
    return {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}}


def opened(block: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(kind: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def closed(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def said(*words: str, index: int = 0) -> list[dict[str, Any]]:
    deltas = [delta("text_delta", index, text=word) for word in words]
    return [opened({"type": "text", "text": ""}, index), *deltas, closed(index)]


def end(reason: str | None = "end_turn", **more: Any) -> list[dict[str, Any]]:
    told = {"stop_reason": reason, "stop_sequence": None, **more}
    return [{"type": "message_delta", "delta": told, "usage": {"output_tokens": 9}}, {"type": "message_stop"}]


def failure(kind: str = "overloaded_error", message: str = "Overloaded") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def message(*content: dict[str, Any], reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": list(content)}
    usage = {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 6}
    return {**head, "stop_reason": reason, "stop_sequence": None, "usage": usage, **more}
