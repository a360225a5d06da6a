"""An official API whose models each fail in a way of their own: for the scenarios of Failover Bench, and for chains.

The faults are mostly those that Failover Bench (https://github.com/failoverbench/failoverbench, methodology 0.1)
describes; the server, the words and the figures are our own, the times shorter.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from providers.sandbox.server import Request, Site, Wire
from tests.support.hostile import CHUNKED, END, framed, head

WORDS: Final = [f"word-{number}" for number in range(60)]
ANSWER: Final = " ".join(WORDS)
CUT_AT, STALL_AT, MALFORMED_AT = 40, 20, 10
SLOW_S: Final = 0.7
"""How long S07 takes to its first word."""

OF_A_REFUSAL: Final = {"x-request-id": "refused-1", "x-ratelimit-limit-requests": "5"}
"""Headers of S12's answer."""

_LIMITED = {"message": "Rate limit reached.", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
_FAULT = {"message": "The server had an error.", "type": "server_error", "code": None}
_OVERLOADED = {"message": "The engine is overloaded.", "type": "server_error", "code": "overloaded"}
_TOO_LONG = {
    "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens.",
    "type": "invalid_request_error",
    "code": "context_length_exceeded",
}
_CONTENT = {
    "message": "Your request was rejected as a result of our safety system.",
    "type": "invalid_request_error",
    "code": "content_policy_violation",
}
_PREFILL = {
    "message": "The conversation must end with a user message: this model takes no prefill.",
    "type": "invalid_request_error",
    "code": "invalid_prefill",
}
_SPENT = {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}
_WRONG_KEY = {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "invalid_api_key"}
_MODEL_GONE = {"message": "No such model.", "type": "invalid_request_error", "code": "model_not_found"}


@dataclass
class Wall(Site):
    """What a model's name begins with (`s04-…`) is its fault: one of the bench's scenarios, or `bad` (400), `spent`
    (quota), `key` (401), `human` (a page that asks for a human), `filtered` and
    `window` (an end before the first word); any other name is answered well. `attempts` counts
    by model what it was asked.
    """

    name: str = "wall"
    attempts: Counter[str] = field(default_factory=Counter)
    down: bool = False
    """Whether S15 is in its outage."""

    def session(self) -> dict[str, Any]:
        return {"api_key": "sk-wall-0123456789"}

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.method == "GET":  # the gateway looks whether the key is still good
            await wire.respond(401, {"error": _WRONG_KEY})
            return
        body = request.json()
        model = str(body["model"])
        self.attempts[model] += 1
        await self._play(model, self.attempts[model] == 1, body, wire)

    async def _play(self, model: str, first: bool, body: dict[str, Any], wire: Wire) -> None:
        fault = model.partition("-")[0]
        match fault:
            case "s01" if first:
                await wire.respond(429, {"error": _LIMITED}, headers={"retry-after": "1"})
            case "s02":
                await wire.respond(429, {"error": _LIMITED})
            case "s03" if first:
                await wire.respond(500, {"error": _FAULT})
            case "s04" | "s16":
                await wire.respond(503, {"error": _OVERLOADED})
            case "s05" if first:
                wire.reset()
            case "s06":
                await wire.wait_gone()
            case "s12":
                await wire.respond(400, {"error": _TOO_LONG}, headers=OF_A_REFUSAL)
            case "s13":
                await wire.respond(400, {"error": _CONTENT})
            case "s15" if self.down:
                await wire.respond(503, {"error": _OVERLOADED})
            case "noprefill" if body["messages"][-1]["role"] == "assistant":
                await wire.respond(400, {"error": _PREFILL})
            case "bad":
                await wire.respond(400, {"error": _PREFILL})
            case "spent":
                await wire.respond(429, {"error": _SPENT})
            case "key":
                await wire.respond(401, {"error": _WRONG_KEY})
            case "human":
                await wire.respond(403, "<!doctype html><title>Just a moment...</title>", "text/html")
            case "filtered" | "window":
                await _ended(fault, model, body, wire)
            case "s99":
                await wire.respond(404, {"error": _MODEL_GONE})
            case _:
                await (_stream if body.get("stream") else _whole)(fault, model, wire)


async def _ended(fault: str, model: str, body: dict[str, Any], wire: Wire) -> None:
    """An answer that ends before its first word."""
    reason = "content_filter" if fault == "filtered" else "model_context_window_exceeded"
    if body.get("stream"):
        role = _chunk(model, {"role": "assistant", "content": ""})
        await wire.raw(head(CHUNKED) + framed(role + _chunk(model, {}, reason) + b"data: [DONE]\n\n") + END)
    else:
        message = {"role": "assistant", "content": ""}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        await wire.respond(200, {**_head(model, "chat.completion"), "choices": [choice], "usage": _usage()})


async def _stream(fault: str, model: str, wire: Wire) -> None:
    await wire.raw(head(CHUNKED))
    if fault == "s07":
        await wire.pause(SLOW_S)
    await wire.raw(framed(_chunk(model, {"role": "assistant", "content": ""})))
    for number, word in enumerate(WORDS):
        if fault in ("s08", "s14") and number == CUT_AT:
            wire.hang_up()
        if fault == "s09" and number == STALL_AT:
            await wire.wait_gone()
        if fault == "s10" and number == MALFORMED_AT:
            await wire.raw(framed(b'data: {"id": "c", "choices": [{"delta": {"content": \n\n'))
        await wire.raw(framed(_chunk(model, {"content": f" {word}" if number else word})))
    await wire.raw(framed(_chunk(model, {}, "stop")))
    await wire.raw(framed(_event({**_head(model), "choices": [], "usage": _usage()})))
    await wire.raw((b"" if fault == "s11" else framed(b"data: [DONE]\n\n")) + END)


async def _whole(fault: str, model: str, wire: Wire) -> None:
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**_head(model, "chat.completion"), "choices": [choice], "usage": _usage()}).encode()
    length = f"content-length: {len(body)}"
    match fault:
        case "s07":
            await wire.pause(SLOW_S)
        case "s08" | "s14":
            await wire.raw(head(length, kind="application/json") + body[: len(body) * 2 // 3])
            wire.hang_up()
        case "s09":
            await wire.raw(head(length, kind="application/json"))
            await wire.wait_gone()
        case "s10":
            body = body[: len(body) // 2] + b'"oops'
    await wire.respond(200, body, "application/json")


def _head(model: str, kind: str = "chat.completion.chunk") -> dict[str, Any]:
    return {"id": "chatcmpl-wall", "object": kind, "created": 1_700_000_000, "model": model}


def _chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
    return _event({**_head(model), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _usage() -> dict[str, int]:
    return {"prompt_tokens": 20, "completion_tokens": len(WORDS), "total_tokens": 20 + len(WORDS)}
