"""Answers of the Messages and the Responses form, as the scripted provider gives them: made beforehand."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from benchmarks.compare.framing import BODY_END, STREAM_HEAD, WORDS, chunk_of, whole

_ABOUT: Final[Mapping[str, Any]] = {"type": "message", "role": "assistant", "model": "bench"}
_RESPONSE: Final[Mapping[str, Any]] = {
    "id": "resp_bench",
    "object": "response",
    "created_at": 1,
    "model": "bench",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


def _event(value: Mapping[str, Any]) -> bytes:
    return chunk_of(b"event: %s\ndata: %s\n\n" % (value["type"].encode(), json.dumps(value).encode()))


@lru_cache
def messages_pieces(count: int) -> Sequence[bytes]:
    """A stream of the Messages form: head and beginning, `count` words, end; each is one write."""
    opening = {**_ABOUT, "id": "msg_bench", "content": [], "stop_reason": None, "stop_sequence": None}
    usage = {"input_tokens": 5, "output_tokens": 1}
    begin = _event({"type": "message_start", "message": {**opening, "usage": usage}})
    begin += _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    words = [{"type": "text_delta", "text": WORDS[at % 2]} for at in range(count)]
    end = _event({"type": "content_block_stop", "index": 0})
    reason = {"stop_reason": "end_turn", "stop_sequence": None}
    end += _event({"type": "message_delta", "delta": reason, "usage": {"output_tokens": count}})
    return [
        STREAM_HEAD + begin,
        *(_event({"type": "content_block_delta", "index": 0, "delta": delta}) for delta in words),
        end + _event({"type": "message_stop"}) + BODY_END,
    ]


@lru_cache
def messages_whole(count: int) -> bytes:
    content = [{"type": "text", "text": WORDS[0] * count}]
    usage = {"input_tokens": 5, "output_tokens": count}
    ending = {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    return whole({**_ABOUT, "id": "msg_bench", "content": content, **ending})


def _message(text: str, status: str) -> Mapping[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"id": "msg_bench", "type": "message", "role": "assistant", "status": status, "content": content}


def _response(text: str, count: int) -> Mapping[str, Any]:
    usage = {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": count,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": count + 5,
    }
    return {**_RESPONSE, "status": "completed", "output": [_message(text, "completed")], "usage": usage}


@lru_cache
def responses_pieces(count: int) -> Sequence[bytes]:
    """A stream of the Responses form: head and beginning, `count` words, end; each is one write."""
    numbers = iter(range(count + 20))
    place = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}

    def event(kind: str, **fields: Any) -> bytes:
        return _event({"type": f"response.{kind}", "sequence_number": next(numbers), **fields})

    running = {**_RESPONSE, "status": "in_progress", "output": []}
    begin = event("created", response=running) + event("in_progress", response=running)
    begin += event("output_item.added", output_index=0, item=_message("", "in_progress"))
    part = {"type": "output_text", "text": "", "annotations": []}
    begin += event("content_part.added", **place, part=part)
    words = [WORDS[at % 2] for at in range(count)]
    text = "".join(words)
    deltas = [event("output_text.delta", **place, delta=word, logprobs=[]) for word in words]
    end = event("output_text.done", **place, text=text, logprobs=[])
    end += event("content_part.done", **place, part={**part, "text": text})
    end += event("output_item.done", output_index=0, item=_message(text, "completed"))
    return [
        STREAM_HEAD + begin,
        *deltas,
        end + event("completed", response=_response(text, count)) + BODY_END,
    ]


@lru_cache
def responses_whole(count: int) -> bytes:
    return whole(_response(WORDS[0] * count, count))
