"""A stand-in for the Z.AI web chat, as strict as the site is known to be.

Known facts it keeps to: token and guest sessions, request signature with a five-minute bucket, current client version,
chats that belong to their user, user messages only, one call a chat body form. Frames: see zai/frames.py.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.script import Script, once, play, play_counted
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.tokens import jwt
from providers.sandbox.voice import scripted
from providers.sandbox.zai import threads
from providers.sandbox.zai.files import Files
from providers.sandbox.zai.frames import count_frame, data_frame, done_frame, error_frame, frames_of
from providers.sandbox.zai.refusals import REFUSALS
from providers.sandbox.zai.threads import Threads

SIGNING_KEY = "key-@@@@)))()((9))-xxxx&&&%%%%%"
MODELS = {
    "glm-5.3": "GLM-5.3",
    "glm-5.2": "GLM-5.2",
    "GLM-5.1": "GLM-5.1",
    "GLM-5-Turbo": "GLM-5-Turbo",
    "glm-5": "GLM-5",
    "glm-4.7": "GLM-4.7",
    "GLM-4-6-API-V1": "GLM-4.6",
    "0727-360B-API": "GLM-4.5",
    "0727-106B-API": "GLM-4.5-Air",
    "glm-4.6v": "GLM-4.6V",
    "glm-4.5v": "GLM-4.5V",
    "GLM-5v-Turbo": "GLM-5V-Turbo",
    "x-preview-l": "GLM-5.3-Flash",
}
_PATHS = {"1": "/api/chat/completions", "2": "/api/v2/chat/completions"}
_QUERY = ("timestamp", "requestId", "user_id", "token", "version", "platform", "signature_timestamp")
_OUTDATED = {"error": {"code": "APP_VERSION_OUTDATED", "detail": "Please refresh the page"}}
_HTML = """<!doctype html><html><head><script src="/assets/prod-fe-{version}/index.js"></script></head>
<body>Z.ai sandbox</body></html>"""


@dataclass
class ZaiSite(Site):
    """The stand-in for Z.AI."""

    name: str = "zai"
    client_version: str = "prod-fe-1.1.98"
    user_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    email: str = "person@example.com"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    tokens: set[str] = field(default_factory=set)
    chats: dict[str, str] = field(default_factory=dict)
    """Chat id → user id."""
    threads: Threads = field(default_factory=Threads)
    check_version: bool = True
    completion_version: str | int = "2"
    """Where completions are asked for: "1" the old path, "2" the new one. The other is not there."""

    files: Files = field(init=False)

    def __post_init__(self) -> None:
        self.files = Files(self.user_id)

    def session(self) -> dict[str, Any]:
        return {"token": self.new_token()}

    def new_token(self) -> str:
        token = jwt({"id": self.user_id, "email": self.email, "n": uuid.uuid4().hex})
        self.tokens.add(token)
        return token

    def revoke(self, token: str) -> None:
        self.tokens.discard(token)

    async def handle(self, request: Request, wire: Wire) -> None:
        route = (request.method, request.path)
        if route == ("GET", "/"):
            await wire.respond(200, _HTML.format(version=self.client_version.removeprefix("prod-fe-")), "text/html")
        elif route == ("GET", "/api/v1/auths/"):
            await wire.respond(200, self._who(request.bearer))
        elif route == ("POST", "/api/v1/auths/signin"):
            await self._sign_in(request, wire)
        elif route == ("GET", "/api/config"):
            version, features = self.completion_version, {"enable_captcha": True}
            await wire.respond(200, {"completion_version": version, "features": features, "default_models": "glm-5.3"})
        elif route == ("GET", "/api/models"):
            await wire.respond(200, {"data": [_model(key, name) for key, name in MODELS.items()]})
        elif request.bearer not in self.tokens:
            await wire.respond(401, {"detail": "Not authenticated"})
        elif route == ("POST", "/api/v1/chats/new"):
            await self._new_chat(request, wire)
        elif route == ("POST", "/api/v1/files/"):
            await self._upload(request, wire)
        elif request.method == "DELETE" and request.path.startswith("/api/v1/chats/"):
            await self._delete(request.path.removeprefix("/api/v1/chats/"), wire)
        elif (answer := self.threads.answer(request, self.chats)) is not None:
            await wire.respond(*answer)
        elif route == ("POST", _PATHS[str(self.completion_version)]):
            await self._complete(request, wire)
        else:
            await wire.respond(404, {"detail": "Not Found"})

    async def _sign_in(self, request: Request, wire: Wire) -> None:
        """For the page: a program has no solved captcha to send along."""
        body = request.json()
        fields = body if isinstance(body, dict) else {}
        if not fields.get("captcha_verify_param"):
            await wire.respond(403, {"error": {"code": "FRONTEND_CAPTCHA_REQUIRED", "detail": "captcha required"}})
        elif (fields.get("email"), fields.get("password")) != (self.email, self.password):
            await wire.respond(400, {"detail": "The email or password provided is incorrect."})
        else:
            who = self._who(self.new_token())
            cookie = f"token={who['token']}; Path=/; HttpOnly; SameSite=Lax"
            await wire.respond(200, who, headers={"set-cookie": cookie})

    def _who(self, bearer: str) -> dict[str, Any]:
        """The session of a live token with a new token; for anything else silently a guest."""
        if bearer in self.tokens:
            who = {"id": self.user_id, "email": self.email, "name": "Person", "role": "user", "token": self.new_token()}
        else:
            guest, stamp = str(uuid.uuid4()), int(time.time() * 1000)
            email = f"guest-{stamp}@guest.com"
            who = {"id": guest, "email": email, "name": f"Guest-{stamp}", "role": "guest"}
            who["token"] = jwt({"id": guest, "email": email})
        return {**who, "profile_image_url": "", "token_type": "Bearer", "expires_at": None, "permissions": {}}

    async def _new_chat(self, request: Request, wire: Wire) -> None:
        body = request.json()
        chat = body.get("chat") if isinstance(body, dict) else None
        if not isinstance(chat, dict) or not chat.get("models") or "history" not in chat:
            await wire.respond(422, {"detail": [{"loc": ["body", "chat"], "msg": "field required"}]})
            return
        chat_id = str(uuid.uuid4())
        self.chats[chat_id] = self.user_id
        self.threads.make(chat_id, chat)
        await wire.respond(200, {"id": chat_id, "user_id": self.user_id, "title": "New Chat", "chat": chat})

    async def _delete(self, chat_id: str, wire: Wire) -> None:
        """One chat, or all of them where none is named."""
        known = list(self.chats) if not chat_id else [chat_id] if chat_id in self.chats else []
        for one in known:
            del self.chats[one]
            self.threads.forget(one)
        found = bool(known) or not chat_id
        await wire.respond(200 if found else 404, found)

    async def _upload(self, request: Request, wire: Wire) -> None:
        if self._is_outdated(request):
            await wire.respond(426, _OUTDATED)
        else:
            await wire.respond(*self.files.take(request))

    def _is_outdated(self, request: Request) -> bool:
        return self.check_version and request.headers.get("x-fe-version") != self.client_version

    # -- completions ----------------------------------------------------------------------------------------------
    async def _complete(self, request: Request, wire: Wire) -> None:
        body = request.json()
        if not isinstance(body, dict):
            await wire.respond(422, {"detail": "body"})
            return
        vision = _sees(body.get("model"))
        wrong_files = self.files.problem(body, vision=vision)
        seen = [] if wrong_files else self.files.seen(body, vision=vision)
        known_chat = self.chats.get(str(body.get("chat_id"))) == self.user_id
        earlier, lost = self.threads.before(body, known_chat=known_chat)
        script = scripted([("user", _last_text(body))], files=seen, earlier=earlier, slip=self.slip)
        script = once(script, self.met)
        if await self._refused_at_the_door(request, body, script, wire):
            return
        await wire.begin(encoding=script.encoding)
        refusal = self._refusal_in_stream(body, script, wrong_files or lost)
        if refusal is not None:
            await play(wire, refusal, script)
        else:
            await self._answer(body, script, known_chat, wire)
        if script.fault == "stay_open":
            await wire.wait_gone()
        await wire.end()

    async def _answer(self, body: dict[str, Any], script: Script, known_chat: bool, wire: Wire) -> None:
        if script.count:
            await play_counted(wire, count_frame(), script)
            await wire.send(data_frame({"phase": "done", "done": True}))
            return
        frames = frames_of(script, thinking=_switch(body, "enable_thinking"), search=_searches(body))
        if script.fault in ("truncated", "reset", "hang_up"):
            frames = frames[: len(frames) // 2]
        elif script.fault == "error_after_text":
            frames = [*frames[: len(frames) // 2], error_frame("INTERNAL_ERROR", "Oops, something went wrong")]
        elif known_chat:
            oops = error_frame("INTERNAL_ERROR", "Oops, something went wrong", done=True)
            frames.append(oops if script.fault == "internal_at_end" else done_frame(script))
        else:
            # A chat nobody created: the text is whole, and the last frame complains all the same.
            frames.append(error_frame("INTERNAL_ERROR", "chat not found", done=True))
        answering = self.threads.begin(body, script, len(frames)) if known_chat else None
        await play(wire, threads.until_stopped(frames, answering, done_frame(script)), script)
        if answering is not None and script.fault not in ("truncated", "reset", "hang_up", "error_after_text"):
            answering.finish()
        if script.fault == "reset":
            wire.reset()
        elif script.fault == "hang_up":
            wire.hang_up()

    async def _refused_at_the_door(self, request: Request, body: dict[str, Any], script: Script, wire: Wire) -> bool:
        """Refusals that come instead of a stream."""
        if problem := self._signature_problem(request, body):
            await wire.respond(400, {"detail": f"403: Signature validation failed: {problem}"})
        elif self._is_outdated(request):
            await wire.respond(426, _OUTDATED)
        elif script.fault in REFUSALS:
            await REFUSALS[script.fault].send(wire, script.retry_after)
        elif script.fault == "silence":
            await wire.wait_gone()
        elif script.fault == "reset_first":
            wire.reset()
        else:
            return False
        return True

    def _signature_problem(self, request: Request, body: dict[str, Any]) -> str:
        """What is wrong with the signed part of the request, or nothing."""
        query = request.query
        missing = [name for name in _QUERY if not query.get(name)]
        if missing:
            return f"missing {missing[0]}"
        if query["token"] != request.bearer or query["user_id"] != self.user_id:
            return "token"
        if query["timestamp"] != query["signature_timestamp"] or not query["timestamp"].isdigit():
            return "timestamp"
        if abs(time.time() * 1000 - int(query["timestamp"])) > 300_000:
            return "expired"
        prompt = body.get("signature_prompt")
        if not isinstance(prompt, str) or prompt != _last_text(body).strip():
            return "prompt"
        return (
            "" if hmac.compare_digest(request.headers.get("x-signature", ""), _sign(query, prompt)) else "签名验证失败"
        )

    @staticmethod
    def _refusal_in_stream(body: dict[str, Any], script: Script, wrong: str) -> list[bytes] | None:
        """Refusals that come inside a stream with status 200."""
        messages = body.get("messages")
        codes: dict[str, tuple[str | int, str]] = {
            "captcha": ("FRONTEND_CAPTCHA_REQUIRED", "Please refresh the page to update the app, then try again."),
            "concurrency": ("MODEL_CONCURRENCY_LIMIT", "current concurrent conversation limit reached"),
            "capacity": (429, "Model is currently at capacity, please try again later"),
            "internal": ("INTERNAL_ERROR", "Oops, something went wrong. Please try again later."),
            "session": (401, "INVALID_TOKEN"),
            "user_level": (403, "The model is not available for your account level"),
        }
        if "captcha_verify_param" in body:
            return [error_frame(*codes["captcha"], doubled=True, done=True, captcha="verify_failed")]
        if script.fault == "captcha":
            return [error_frame(*codes["captcha"], doubled=True, done=True, captcha="missing_param")]
        if body.get("model") not in MODELS:
            return [
                error_frame("MODEL_NOT_FOUND", f"Model {body.get('model')} not found", done=True),
                b"data: [DONE]\n\n",
            ]
        if not isinstance(messages, list) or any(not isinstance(m, dict) or m.get("role") != "user" for m in messages):
            return [error_frame(*codes["internal"], done=True)]
        if wrong:
            return [error_frame("INTERNAL_ERROR", f"Oops, something went wrong: {wrong}", done=True)]
        if body.get("stream") is not True:
            return [error_frame(*codes["internal"], done=True)]
        if script.fault in codes:
            return [error_frame(*codes[script.fault], done=True), b"data: [DONE]\n\n"]
        return None


def _sign(query: Any, prompt: str) -> str:
    """The signature the site expects, worked out from the request's own figures."""
    user, request_id, stamp = query["user_id"], query["requestId"], query["timestamp"]
    signed = f"requestId,{request_id},timestamp,{stamp},user_id,{user}"
    text = "|".join((signed, base64.b64encode(prompt.encode()).decode(), stamp))
    bucket = str(int(stamp) // 300_000)
    inner = hmac.new(SIGNING_KEY.encode(), bucket.encode(), hashlib.sha256).hexdigest()
    return hmac.new(inner.encode(), text.encode(), hashlib.sha256).hexdigest()


def _model(model_id: str, name: str) -> dict[str, Any]:
    capabilities = {"vision": _sees(model_id), "web_search": True, "think": True}
    info = {"params": {}, "meta": {"description": "", "capabilities": capabilities}, "is_active": True}
    return {"id": model_id, "name": name, "owned_by": "openai", "openai": {}, "info": info}


def _sees(model_id: Any) -> bool:
    """Whether a model takes pictures: V stands behind its number."""
    name = MODELS.get(model_id, "") if isinstance(model_id, str) else ""
    return re.search(r"\dV\b", name) is not None


def _last_text(body: dict[str, Any]) -> str:
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else {}
    content = last.get("content") if isinstance(last, dict) else ""
    if isinstance(content, list):
        return "\n".join(str(p.get("text", "")) for p in content if isinstance(p, dict) and p.get("type") == "text")
    return content if isinstance(content, str) else ""


def _switch(body: dict[str, Any], name: str) -> bool:
    features = body.get("features")
    return isinstance(features, dict) and features.get(name) is True


def _searches(body: dict[str, Any]) -> bool:
    return _switch(body, "web_search") or _switch(body, "auto_web_search")
