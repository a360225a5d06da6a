"""A stand-in for the Qwen web chat, as strict as the site is known to be.

Known facts it keeps to: both ages of sign-in, refusals as JSON with status 200, a chat that must exist, belong to the
person and be idle, exactly one message, `output_schema`, models that must think. Frames: qwen_frames.py.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.qwen_auth import People, QwenAuthSite, refused, sign_in
from providers.sandbox.qwen_frames import Turn, created, delta, error, finished, frames_of, line
from providers.sandbox.script import Script, play, play_counted, read_script
from providers.sandbox.server import Request, Site, Wire

MODELS: Mapping[str, Mapping[str, Any]] = {
    "qwen3.8-max": {"thinking": True, "search": True, "image": True, "must_think": True},
    "qwen3.7-plus": {"thinking": True, "search": True, "image": True},
    "qwen3.7-max": {"thinking": True, "search": True, "image": False},
    "qwen3.6-plus": {"thinking": True, "search": True, "image": True},
    "qwen3.5-plus": {"thinking": True, "search": True, "image": True},
    "qwen3.5-flash": {"thinking": True, "search": True, "image": False},
    "qwen3-coder-plus": {"thinking": False, "search": True, "image": False},
}
_WAF_JSON = {
    "ret": ["FAIL_SYS_USER_VALIDATE", "RGV587_ERROR::SM::哎哟喂,被挤爆啦,请稍后重试"],
    "data": {"url": "https://chat.qwen.ai:443//api/v2/chat/completions/_____tmd_____/punish?x5secdata=abc"},
}
_WAF_HTML = "<!doctype html><html><body><script>var aliyun_waf_aa = 1</script></body></html>"
_QUOTA = {
    "code": "RateLimited",
    "details": "You've reached the upper limit for today's usage.",
    "template": "Please wait {{num}} hours before trying again.",
    "num": 10,
}
REFUSALS: Mapping[str, tuple[int, object]] = {
    "quota": (200, {"success": False, "request_id": "r", "data": _QUOTA}),
    "parallel": (200, refused("ParallelLimited", "too many at once")),
    "unauthorized": (200, refused("Unauthorized", "您没有权限访问此资源")),
    "401": (401, refused("unauthorized", "Token has expired")),
    "429": (429, refused("TooManyRequests", "slow down")),
    "waf": (200, _WAF_JSON),
    "waf_html": (200, _WAF_HTML),
    "waf_403": (403, _WAF_HTML),
    "bad_request": (200, refused("Bad_Request", "internal error")),
    "validation": (200, refused("RequestValidationError", "[\"Field 'chat_id': Field required\"]")),
    "server": (200, refused("Internal_Server_Error", "oops")),
    "busy": (200, refused("Bad_Request", "The chat is in progress!")),
    "gone": (200, refused("CHAT_NOT_FOUND", "chat is not exist")),
    "500": (500, refused("Internal_Server_Error", "oops")),
    "html": (200, "<html><body>Sign in</body></html>"),
    "wrong_type": (200, "just words"),
}
"""Fault → status and body instead of a stream; text is HTML, but for wrong_type."""
_IN_STREAM: Mapping[str, tuple[str, str]] = {
    "invalid_input": ("invalid_input", "the model must think"),
    "unauthorized_in_stream": ("unauthorized", "Token has expired"),
    "quota_in_stream": ("quota", "Allocated quota exceeded, please increase your token-limit"),
}
_CUT = ("truncated", "reset", "hang_up")


@dataclass
class QwenSite(Site):
    name: str = "qwen"
    people: People = field(default_factory=People)
    chats: dict[str, bool] = field(default_factory=dict)
    """Chat id → whether an answer is being made in it."""

    def session(self) -> dict[str, Any]:
        return self.people.session()

    @property
    def email(self) -> str:
        return self.people.email

    @property
    def password(self) -> str:
        return self.people.password

    @property
    def tokens(self) -> Mapping[str, float]:
        """Live tokens, and when they end."""
        return self.people.access

    def companions(self) -> Mapping[str, Site]:
        return {"auth": QwenAuthSite(people=self.people)}

    async def handle(self, request: Request, wire: Wire) -> None:
        route = (request.method, request.path)
        if route == ("POST", "/api/v2/auths/signin"):
            await sign_in(self.people, request, wire, older=False)
        elif route == ("POST", "/api/v1/auths/signin"):
            await sign_in(self.people, request, wire, older=True)
        elif route == ("GET", "/api/v1/auths/"):
            who = self.people.who(request)
            await wire.respond(200, who or refused("unauthorized", "Token has expired"))
        elif route == ("GET", "/api/models"):
            await wire.respond(200, {"data": [_model(name) for name in MODELS]})
        elif route == ("GET", "/api/v2/models/"):
            await wire.respond(200, {"success": True, "data": {"data": [_model(name) for name in MODELS]}})
        elif not self.people.knows(request.bearer):
            await wire.respond(200, refused("Unauthorized", "您没有权限访问此资源"))
        elif route == ("POST", "/api/v2/chats/new"):
            await self._new_chat(request, wire)
        elif request.method == "DELETE" and request.path.startswith("/api/v2/chats/"):
            known = self.chats.pop(request.path.rpartition("/")[2], None) is not None
            await wire.respond(200, {"success": known, "data": {"status": known}})
        elif route == ("POST", "/api/v2/chat/completions"):
            await self._complete(request, wire)
        else:
            await wire.respond(404, {"detail": "Not Found"})

    async def _new_chat(self, request: Request, wire: Wire) -> None:
        body = request.json()
        fields = body if isinstance(body, dict) else {}
        models = fields.get("models")
        right = isinstance(models, list) and len(models) == 1 and models[0] in MODELS
        if not right or fields.get("chat_mode") != "normal" or not isinstance(fields.get("timestamp"), int):
            await wire.respond(200, refused("RequestValidationError", '["Field required"]'))
            return
        chat_id = str(uuid.uuid4())
        self.chats[chat_id] = False
        await wire.respond(200, {"success": True, "request_id": str(uuid.uuid4()), "data": {"id": chat_id}})

    # -- completions ----------------------------------------------------------------------------------------------
    async def _complete(self, request: Request, wire: Wire) -> None:
        body = request.json()
        message = self._one_message(body)
        script = read_script(str(message.get("content") or "")) if message else Script()
        chat_id = request.query.get("chat_id", "")
        problem = self._problem(body, message, chat_id)
        if problem is not None:
            await wire.respond(200, problem)
        elif script.fault == "silence":
            await wire.wait_gone()
        elif script.fault == "reset_first":
            wire.reset()
        elif script.fault in REFUSALS:
            status, answer = REFUSALS[script.fault]
            kind = "text/plain" if script.fault == "wrong_type" else "text/html" if isinstance(answer, str) else ""
            headers = {"retry-after": script.retry_after} if script.retry_after else None
            await wire.respond(status, answer, kind, headers)
        else:
            assert message is not None
            self.chats[chat_id] = True
            try:
                await self._stream(script, _turn(chat_id, body, message), wire)
            finally:
                self.chats[chat_id] = False

    async def _stream(self, script: Script, turn: Turn, wire: Wire) -> None:
        await wire.begin(encoding=script.encoding)
        if script.count:
            await wire.send(created(turn))
            await play_counted(wire, delta(turn, "answer", "word "), script)
            await wire.send(finished(turn))
        elif script.fault in _IN_STREAM:
            await play(wire, [created(turn), error(turn, *_IN_STREAM[script.fault])], script)
        else:
            await play(wire, _with_fault(script, turn), script)
        if script.fault == "reset":
            wire.reset()
        elif script.fault == "hang_up":
            wire.hang_up()
        elif script.fault == "stay_open":
            await wire.wait_gone()
        await wire.end()

    @staticmethod
    def _one_message(body: object) -> dict[str, Any] | None:
        messages = body.get("messages") if isinstance(body, dict) else None
        if not isinstance(messages, list) or len(messages) != 1 or not isinstance(messages[0], dict):
            return None
        found: dict[str, Any] = messages[0]
        return found

    def _problem(self, body: Any, message: dict[str, Any] | None, chat_id: str) -> dict[str, Any] | None:
        """What the site refuses before it answers, as its JSON."""
        if not isinstance(body, dict):
            return refused("RequestValidationError", '["body"]')
        if chat_id not in self.chats:
            return refused("CHAT_NOT_FOUND", f"chat {chat_id} is not exist")
        if self.chats[chat_id]:
            return refused("Bad_Request", "The chat is in progress!")
        if message is None or message.get("role") != "user":
            return refused("Bad_Request", "Invalid input too many messages")
        config = message.get("feature_config")
        features = config if isinstance(config, dict) else {}
        if body.get("chat_id") != chat_id or body.get("stream") is not True or not message.get("content"):
            return refused("RequestValidationError", '["Field required"]')
        if body.get("model") not in MODELS or message.get("models") != [body.get("model")]:
            return refused("Bad_Request", "model not found")
        if features.get("output_schema") != "phase" or body.get("parent_id") is not None:
            return refused("RequestValidationError", '["output_schema"]')
        if message.get("chat_type") not in ("t2t", "search", "t2i"):
            return refused("RequestValidationError", '["chat_type"]')
        if MODELS[body["model"]].get("must_think") and features.get("thinking_enabled") is not True:
            return refused("invalid_input", "this model must think")
        return None


def _turn(chat_id: str, body: dict[str, Any], message: dict[str, Any]) -> Turn:
    features = message.get("feature_config") or {}
    kind = message.get("chat_type")
    # In Auto the model decides; this one does not think unless it must or is told to.
    must = bool(MODELS[body["model"]].get("must_think"))
    thinking = features.get("thinking_enabled") is True and (must or features.get("thinking_mode") == "Thinking")
    return Turn(chat_id, str(uuid.uuid4()), thinking, kind == "search", kind == "t2i")


def _with_fault(script: Script, turn: Turn) -> list[bytes]:
    frames = frames_of(script, turn)
    end = [finished(turn, "image_gen" if turn.image else "answer")]
    if "stopped" in script.variant:
        end = [line({"response.stopped": {"response_id": turn.response_id}})]
    middle = max(2, len(frames) // 2)
    late = delta(turn, "answer", "words after the end")
    match script.fault:
        case fault if fault in _CUT:
            return frames[:middle]
        case "error_mid":
            return [*frames[:middle], error(turn, "internal_error", "the engine crashed")]
        case "unknown_event":
            odd = [line({"response.mood": {"mood": "sunny"}}), delta(turn, "dreaming", "zzz"), b": a comment\n\n"]
            return [*frames[:middle], *odd, *frames[middle:], *end]
        case "broken_json":
            return [*frames[:middle], b'data: {"choices\n\n', *frames[middle:], *end]
        case "bad_utf8":
            return [*frames, delta(turn, "answer", "@@").replace(b"@@", b"\xff\xfe"), *end]
        case "big_event":
            return [*frames, delta(turn, "answer", "x" * 5_000_000), *end]
        case "two_finishes":
            return [*frames, *end, *end]
        case "after_finish":
            return [*frames, *end, late]
    return [*frames, *end]


def _model(name: str) -> dict[str, Any]:
    can = MODELS[name]
    chat_type = ["t2t", *(["search"] if can["search"] else []), *(["t2i"] if can["image"] else [])]
    meta = {
        "capabilities": {"thinking": can["thinking"], "search": can["search"], "vision": False},
        "abilities": {"thinking": 3 if can["thinking"] else 0},
        "max_context_length": 1_000_000,
        "auto_thinking": can["thinking"],
        "thinking_format": "summary",
        "chat_type": chat_type,
        "think_skip": {"enable": not can.get("must_think", False)},
    }
    info = {"id": name, "name": name.capitalize(), "meta": meta, "is_active": True, "is_visitor_active": True}
    return {"id": name, "name": name.capitalize(), "object": "model", "owned_by": "qwen", "info": info}
