"""A stand-in for an official API of the OpenAI form."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from providers.sandbox.models import obedient
from providers.sandbox.models.native import read_body, text_of
from providers.sandbox.models.shown import Said, ToolCall, Turn
from providers.sandbox.openai.completions import complete
from providers.sandbox.openai.endpoints import PATHS, attend
from providers.sandbox.openai.files import Shelf
from providers.sandbox.openai.pictures import draw
from providers.sandbox.openai.refusals import misbehaved
from providers.sandbox.openai.responses.endpoint import PATH, Responses
from providers.sandbox.script import Script, end, greeting, is_directed, once, play, play_counted, read_script
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.tokens import api_key

MODELS = ("sandbox-large", "sandbox-small", "vendor/sandbox-slash")


@dataclass
class OpenAISite(Site):
    """The stand-in for an official API."""

    name: str = "openai"
    key: str = field(default_factory=api_key)
    responses: Responses = field(default_factory=lambda: Responses(MODELS))

    shelf: Shelf = field(default_factory=Shelf)

    def session(self) -> dict[str, Any]:
        return {"api_key": self.key}

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.bearer != self.key:
            error = {
                "message": "Incorrect API key provided",
                "type": "invalid_request_error",
                "code": "invalid_api_key",
            }
            await wire.respond(401, {"error": {**error, "param": None}})
        elif request.path == "/v1/models" and request.method == "GET":
            data = [{"id": m, "object": "model", "created": 1700000000, "owned_by": "sandbox"} for m in MODELS]
            await wire.respond(200, {"object": "list", "data": data})
        elif request.path == "/v1/chat/completions" and request.method == "POST":
            await self._chat(request, wire)
        elif request.path == "/v1/completions" and request.method == "POST":
            body = request.json()
            known = isinstance(body, dict) and body.get("model") in MODELS
            await (complete(body, wire) if known else wire.respond(404, {"error": {"code": "model_not_found"}}))
        elif request.path in ("/v1/images/generations", "/v1/images/edits") and request.method == "POST":
            await draw(request, wire, MODELS)
        elif request.path in PATHS and request.method == "POST":
            await attend(request, wire, MODELS)
        elif request.path.startswith(("/v1/files", "/v1/batches")):
            await self.shelf.handle(request, wire)
        elif request.path == PATH or request.path.startswith(f"{PATH}/"):
            await self.responses.handle(request, wire)
        else:
            await wire.respond(404, {"error": {"message": f"Invalid URL ({request.path})", "code": None}})

    async def _chat(self, request: Request, wire: Wire) -> None:
        body = request.json()
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list) or not body["messages"]:
            await wire.respond(400, _BAD_BODY)
            return
        if body.get("model") not in MODELS:
            error = {"message": f"The model {body.get('model')} does not exist", "code": "model_not_found"}
            await wire.respond(404, {"error": {**error, "type": "invalid_request_error", "param": None}})
            return
        if not all(_is_function(tool) for tool in body.get("tools") or ()):
            message = "Unsupported tool type: this model calls functions only"
            error = {"message": message, "type": "invalid_request_error", "param": "tools"}
            await wire.respond(400, {"error": {**error, "code": None}})
            return
        try:
            script, said = _said(body)
        except (TypeError, KeyError, AttributeError, RecursionError):  # a field of another type than its own
            await wire.respond(400, _BAD_BODY)
            return
        script = once(script, self.met)
        if script.only_model not in ("", body["model"]):
            script = replace(script, fault="")
        if await misbehaved(script, wire):
            return
        if body.get("stream"):
            await self._stream(body, script, said, wire)
        else:
            await wire.pause(script.delay_first_ms / 1000)
            await wire.respond(200, _whole(body, script, said))

    async def _stream(self, body: dict[str, Any], script: Script, said: Said, wire: Wire) -> None:
        await wire.begin(encoding=script.encoding)
        chat = _Chunks(body, said)
        if script.count:
            await wire.send(chat.frame({"role": "assistant", "content": ""}))
            await play_counted(wire, chat.frame({"content": "word "}), script)
            await play(wire, list(chat.tail("stop")), Script(pace_ms=0))
        else:
            await play(wire, _with_fault(list(chat.frames(script)), script, chat), script)
        await end(wire, script)


class _Chunks:
    """The chunks of one answer."""

    def __init__(self, body: dict[str, Any], said: Said) -> None:
        self._body = body
        self._calls = _call_objects(body, said)
        self._n = int(body.get("n") or 1)
        options = body.get("stream_options") or {}
        self._usage = bool(options.get("include_usage"))
        self._head = {
            "id": "chatcmpl-sandbox",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": body["model"],
            "system_fingerprint": "fp_sandbox",
        }

    def frame(self, delta: dict[str, Any], index: int = 0, reason: str | None = None, **choice: Any) -> bytes:
        chunk = {**self._head, "choices": [{"index": index, "delta": delta, "finish_reason": reason, **choice}]}
        return _frame(chunk)

    def frames(self, script: Script) -> Iterator[bytes]:
        yield b": processing\n\n"
        for index in range(self._n):
            yield self.frame({"role": "assistant", "content": ""}, index)
        if self._calls:
            for number, call in enumerate(self._calls):
                yield from self._tool_frames(number, call)
            yield from self.tail("tool_calls")
            return
        if script.variant == "reasoning" or self._body.get("reasoning_effort"):
            for piece in script.thoughts():
                yield self.frame({"reasoning_content": piece})
        for piece in script.pieces():
            for index in range(self._n):
                extra: dict[str, Any] = {"logprobs": _logprobs(piece)} if self._body.get("logprobs") else {}
                yield self.frame({_said_as(script): piece}, index, **extra)
        yield from self.tail(_reason(script))

    def _tool_frames(self, number: int, call: dict[str, Any]) -> Iterator[bytes]:
        function = call["function"]
        head = {"index": number, **call, "function": {"name": function["name"], "arguments": ""}}
        yield self.frame({"content": None, "tool_calls": [head]})
        text = function["arguments"]
        step = max(len(text) // 3, 1)
        for part in (text[at : at + step] for at in range(0, len(text), step)):
            yield self.frame({"tool_calls": [{"index": number, "function": {"arguments": part}}]})

    def tail(self, reason: str) -> Iterator[bytes]:
        for index in range(self._n):
            yield self.frame({}, index, reason)
        if self._usage:
            yield _frame({**self._head, "choices": [], "usage": _usage()})
        yield b"data: [DONE]\n\n"


def _with_fault(frames: list[bytes], script: Script, chat: _Chunks) -> list[bytes]:
    """The frames as a faulty server would send them."""
    middle = len(frames) // 2
    error = _frame({"error": {"message": "The engine crashed", "type": "server_error", "code": "engine_error"}})
    match script.fault:
        case "glued":
            return [b"data: " + b"".join(f[6:].rstrip() if f.startswith(b"data: {") else b"" for f in frames) + b"\n\n"]
        case "glued_lines":
            return [frame.replace(b"\n\n", b"\n") for frame in frames[:-1]] + [b"\n", frames[-1]]
        case "broken_json":
            return [*frames[:middle], b'data: {"id":"x","choices":[{"index":0,"delta":{"con\n\n', *frames[middle:]]
        case "error_first":
            return [error]
        case "error_mid":
            return [*frames[:middle], error]
        case "no_done":
            return frames[:-1]
        case "truncated" | "reset" | "hang_up":
            return frames[:middle]
        case "unknown_event":
            return [*frames[:middle], b"event: ping\nid: 7\nretry: 10\n\n", b'data: {"ping":1}\n\n', *frames[middle:]]
        case "crlf":
            return [frame.replace(b"\n", b"\r\n") for frame in frames]
        case "after_done":
            return [*frames, chat.frame({"content": "words after the end"})]
    return frames


_BAD_BODY = {"error": {"message": "bad request body", "type": "invalid_request_error"}}


def _is_function(tool: object) -> bool:
    function = tool.get("function") if isinstance(tool, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def _said(body: dict[str, Any]) -> tuple[Script, Said]:
    """The script, and what the model says. Under a directive it calls the first tool, unless the script says no."""
    spoken = [message for message in body["messages"] if isinstance(message, dict) and message.get("role") != "system"]
    last = text_of((spoken or body["messages"])[-1])
    script = read_script(last)
    if not is_directed(last):
        shown = read_body(body)
        said = obedient.answer(shown, greeting(shown.question))
        text = json.dumps(said.value, ensure_ascii=False) if said.is_value else said.text
        return replace(script, answer=text), said
    script = replace(script, prompt=Turn("user", script.prompt).own_words)
    tools = body.get("tools") if script.variant != "no_tool" else ()
    call = [ToolCall(tools[0]["function"]["name"], {"city": "Paris"})] if tools else []
    return script, Said(calls=call)


def _call_objects(body: dict[str, Any], said: Said) -> list[dict[str, Any]]:
    """The calls as an API sends them; their ids go on where those of the conversation end."""
    first = sum(len(message.get("tool_calls") or ()) for message in body["messages"] if isinstance(message, dict))
    return [
        {"id": f"call_sandbox_{number}", "type": "function", "function": {"name": call.name, "arguments": call.json()}}
        for number, call in enumerate(said.calls, first + 1)
    ]


def _said_as(script: Script) -> str:
    """The field of a message that has the words."""
    return "refusal" if script.variant == "refusal" else "content"


def _reason(script: Script) -> str:
    return script.fault if script.fault in ("sensitive", "network_error", "length") else "stop"


def _whole(body: dict[str, Any], script: Script, said: Said) -> dict[str, Any]:
    words = {"content": None, "refusal": None, _said_as(script): "".join(script.pieces())}
    message: dict[str, Any] = {"role": "assistant", **words}
    reason = _reason(script)
    if script.variant == "reasoning" or body.get("reasoning_effort"):
        message["reasoning_content"] = "".join(script.thoughts())
    if calls := _call_objects(body, said):
        message |= {"content": None, "tool_calls": calls}
        reason = "tool_calls"
    logprobs = _logprobs(str(message["content"])) if body.get("logprobs") else None
    choices = [
        {"index": index, "message": message, "logprobs": logprobs, "finish_reason": reason}
        for index in range(int(body.get("n") or 1))
    ]
    return {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "system_fingerprint": "fp_sandbox",
        "choices": choices,
        "usage": _usage(),
    }


def _usage() -> dict[str, Any]:
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 2}}
    return {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33, **details}


def _logprobs(text: str) -> dict[str, Any]:
    return {"content": [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": []}], "refusal": None}


def _frame(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"
