"""A long streamed answer of each provider type: so many words, each an event of its own, in the frames of its site."""

import json
from collections.abc import Callable, Mapping
from typing import Final

WORD: Final = "word "


def _frame(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _openai(words: int) -> bytes:
    def chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return _frame({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    return chunk({"role": "assistant"}) + chunk({"content": WORD}) * words + chunk({}, "stop") + b"data: [DONE]\n\n"


def _zai(words: int) -> bytes:
    def said(**data: object) -> bytes:
        return _frame({"type": "chat:completion", "data": data})

    return said(delta_content=WORD, phase="answer") * words + said(phase="done", done=True)


def _qwen(words: int) -> bytes:
    def said(text: str, status: str) -> bytes:
        delta = {"role": "assistant", "content": text, "phase": "answer", "status": status}
        usage = {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}
        return _frame({"choices": [{"delta": delta}], "response_id": "1", "usage": usage})

    created = _frame({"response.created": {"chat_id": "1", "parent_id": "2", "response_id": "1"}})
    return created + said(WORD, "typing") * words + said("", "finished")


def _longcat(words: int) -> bytes:
    def said(kind: str, status: str = "PROCESSING", *, last: bool = False, **more: object) -> bytes:
        event = {"eventId": "1", "type": kind, "status": status, **more}
        around = {"conversationId": "1", "messageId": 2, "parentId": 1, "model": "m", "choices": None, "content": None}
        return _frame({"event": event, **around, "contentStatus": status, "lastOne": last})

    return said("create") + said("content", content=WORD) * words + said("finish", "FINISHED", last=True)


def _anthropic(words: int) -> bytes:
    def event(kind: str, **fields: object) -> bytes:
        return f"event: {kind}\n".encode() + _frame({"type": kind, **fields})

    message: dict[str, object] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
    }
    start = event("message_start", message={**message, "usage": {"input_tokens": 12, "output_tokens": 1}})
    opened = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    said = event("content_block_delta", index=0, delta={"type": "text_delta", "text": WORD}) * words
    reason = {"stop_reason": "end_turn", "stop_sequence": None}
    end = event("content_block_stop", index=0) + event("message_delta", delta=reason, usage={"output_tokens": words})
    return start + opened + said + end + event("message_stop")


ANSWERS: Final[Mapping[str, Callable[[int], bytes]]] = {
    "zai": _zai,
    "k2think": _openai,
    "qwen": _qwen,
    "longcat": _longcat,
    "openai_compatible": _openai,
    "anthropic": _anthropic,
}
"""Type of provider → an answer of so many words."""
