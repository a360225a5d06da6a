"""A stand-in for the K2Think web chat (a customised Open WebUI), as strict as the site is known to be.

Known facts it keeps to: sign-in with e-mail and password, the token in the body or in a cookie, tokens that end, one
model under its v2 name, whole conversations, `detail` in every refusal. What is guessed of the real site: the exact
words of a refusal and everything about streams (k2think/frames.py). Guest mode is gone here.
"""

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from providers.sandbox.k2think import frames as shapes
from providers.sandbox.script import Script, end, play, play_counted
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.tokens import jwt
from providers.sandbox.voice import scripted

_CLOUDFLARE = "<!DOCTYPE html><html><head><title>{title}</title></head><body>Cloudflare Ray ID: 0</body></html>"
_PLAIN_HTTP = (
    "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"
    "<body><center><h1>400 Bad Request</h1></center>"
    "<center>The plain HTTP request was sent to HTTPS port</center></body></html>"
)
_PAGE = "<!DOCTYPE html><html><head><title>K2 Think</title></head><body>Sign in</body></html>"
REFUSALS: dict[str, tuple[int, object]] = {
    "401": (401, {"detail": "401 Unauthorized"}),
    "403": (403, {"detail": "Not authenticated"}),
    "401_message": (401, {"message": "Your session has expired"}),
    "model_gone": (400, {"detail": "Model not found"}),
    "bad_request": (400, {"detail": "The request cannot be served"}),
    "bad_request_message": (400, {"message": "The request cannot be served"}),
    "429": (429, {"detail": "Too many requests"}),
    "500": (500, {"detail": "Internal Server Error"}),
    "503": (503, {"message": "Overloaded"}),
    "cloudflare": (403, _CLOUDFLARE.format(title="Just a moment...")),
    "cloudflare_503": (503, _CLOUDFLARE.format(title="Just a moment...")),
    "down_503": (503, "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"),
    "plain_http": (400, _PLAIN_HTTP),
    "json_error": (200, {"detail": "Something went wrong"}),
    "wrong_type": (200, _PAGE),
}
"""Fault → status and body instead of an answer; text is HTML."""


@dataclass
class K2ThinkSite(Site):
    """The stand-in for K2Think."""

    name: str = "k2think"
    email: str = "person@example.com"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    user_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    tokens: dict[str, float | None] = field(default_factory=dict)
    """Live token → when it ends, in seconds since the epoch; None: not known."""
    signs_in_with: Literal["both", "body", "cookie"] = "both"
    """Where a sign-in puts the token."""
    life_s: int | None = None
    """How long a signed-in token lives; None: its JWT names no end."""
    tells_life: bool = False
    """The sign-in's answer holds `expires_in` too."""
    sign_in_fault: str = ""
    """A name of REFUSALS that every sign-in meets."""
    bare_models: bool = False
    """/api/models answers with a bare list."""
    clock: Callable[[], float] = time.time
    held: int = 0
    """Answers with `hold` in their variant that wait for `release`."""

    def session(self) -> dict[str, Any]:
        return {"token": self.new_token()}

    def new_token(self, life_s: float | None = None) -> str:
        """A live token; with `life_s` its JWT names the end."""
        claims: dict[str, object] = {"id": self.user_id, "jti": uuid.uuid4().hex}
        ends_at = None if life_s is None else self.clock() + life_s
        if ends_at is not None:
            claims["exp"] = int(ends_at)
        token = jwt(claims, alg="HS256")
        self.tokens[token] = ends_at
        return token

    def revoke(self, token: str) -> None:
        self.tokens.pop(token, None)

    def expire(self, token: str) -> None:
        """The token ends now, whatever it says of itself."""
        self.tokens[token] = self.clock()

    def release(self) -> None:
        """Lets the answer held last go on. May be called from another thread."""
        loop, gate = self._gate
        loop.call_soon_threadsafe(gate.set)

    async def handle(self, request: Request, wire: Wire) -> None:
        routes = {
            ("POST", "/api/v1/auths/signin"): self._sign_in,
            ("GET", "/api/v1/auths/"): self._who,
            ("GET", "/api/models"): self._models,
            ("GET", "/api/v1/models"): self._no_models,
            ("POST", "/api/chat/completions"): self._complete,
        }
        handler = routes.get((request.method, request.path))
        if handler is None:
            known = any(path == request.path for _, path in routes)
            await wire.respond(405 if known else 404, {"detail": "Method Not Allowed" if known else "Not Found"})
        elif handler != self._sign_in and not self._lives(_token_of(request)):
            await wire.respond(401, {"detail": "Not authenticated"})
        else:
            await handler(request, wire)

    def _lives(self, token: str) -> bool:
        ends_at = self.tokens.get(token, 0.0)
        return ends_at is None or ends_at > self.clock()

    # -- account --------------------------------------------------------------------------------------------------
    async def _sign_in(self, request: Request, wire: Wire) -> None:
        body = _json_of(request)
        if self.sign_in_fault:
            await _refuse(self.sign_in_fault, "", wire)
        elif not (isinstance(body.get("email"), str) and isinstance(body.get("password"), str)):
            await wire.respond(422, _invalid("body", "email and password required"))
        elif (body["email"].lower(), body["password"]) != (self.email, self.password):
            await wire.respond(400, {"detail": "The email or password provided is incorrect."})
        else:
            token = self.new_token(self.life_s)
            answer = {**self._person(), "token_type": "Bearer"}
            if self.signs_in_with != "cookie":
                answer["token"] = token
            if self.tells_life:
                answer["expires_in"] = self.life_s
            cookie = {"set-cookie": f"token={token}; Path=/; HttpOnly; SameSite=lax"}
            await wire.respond(200, answer, headers={} if self.signs_in_with == "body" else cookie)

    def _person(self) -> dict[str, Any]:
        person = {"id": self.user_id, "email": self.email, "name": "Person", "role": "user"}
        return {**person, "profile_image_url": "/user.png", "permissions": {}, "expires_at": None}

    async def _who(self, request: Request, wire: Wire) -> None:
        token = _token_of(request)
        expires_at = self.tokens[token]
        who = {**self._person(), "token": token, "token_type": "Bearer"}
        await wire.respond(200, {**who, "expires_at": None if expires_at is None else int(expires_at)})

    async def _models(self, request: Request, wire: Wire) -> None:
        models = [{"id": shapes.MODEL, "name": shapes.MODEL, "owned_by": "MBZUAI", "status": "active"}]
        await wire.respond(200, models if self.bare_models else {"data": models})

    async def _no_models(self, request: Request, wire: Wire) -> None:
        await wire.respond(200, {"data": []})

    # -- completions ----------------------------------------------------------------------------------------------
    async def _complete(self, request: Request, wire: Wire) -> None:
        body = _json_of(request)
        if problem := _problem(body):
            await wire.respond(422, _invalid("body", problem))
            return
        if body["model"] != shapes.MODEL:
            await wire.respond(400, {"detail": "Model not found"})
            return
        script = scripted([(message["role"], _text(message)) for message in body["messages"]], slip=self.slip)
        if "hold" in shapes.words_of(script):
            await self._hold(wire)
        if script.fault == "reset_first":
            wire.reset()
        elif script.fault == "silence":
            await wire.wait_gone()
        elif script.fault in REFUSALS:
            await _refuse(script.fault, script.retry_after, wire, plain=script.variant == "plain")
            return
        await wire.pause(script.delay_first_ms / 1000)  # before the head: a slow answer says nothing at all till then
        await _answer(script, wire, streamed=body.get("stream") is True)

    _gate: tuple[asyncio.AbstractEventLoop, asyncio.Event] = field(init=False, repr=False)

    async def _hold(self, wire: Wire) -> None:
        """Silence until `release`, or until the client leaves."""
        gate = asyncio.Event()
        self._gate = asyncio.get_running_loop(), gate
        self.held += 1
        await self.notify()
        waits = {asyncio.ensure_future(gate.wait()), asyncio.ensure_future(wire.wait_gone())}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in done:
                wait.result()
        finally:
            self.held -= 1
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            await self.notify()


async def _answer(script: Script, wire: Wire, *, streamed: bool) -> None:
    rest = Script(pace_ms=script.pace_ms, cut=script.cut, stall_after=script.stall_after)
    if not streamed:
        await wire.begin("application/json", encoding=script.encoding)
        whole = shapes.whole(script)
        step = max(len(whole) // 8, 1)
        await play(wire, [whole[at : at + step] for at in range(0, len(whole), step)], rest)
    elif script.count and not shapes.words_of(script) & {"snapshots", "chunks"}:
        await wire.begin(encoding=script.encoding)
        await play(wire, shapes.opening(script), Script(pace_ms=0))
        await play_counted(wire, shapes.counted(), script)
        await play(wire, shapes.tail(script, shapes.content_of(script)), Script(pace_ms=0))
    else:
        await wire.begin(encoding=script.encoding)
        await play(wire, shapes.stream(script), rest)
    await end(wire, script)


async def _refuse(fault: str, retry_after: str, wire: Wire, *, plain: bool = False) -> None:
    status, body = REFUSALS[fault]
    headers = {"retry-after": retry_after or "3"} if status == 429 else {}
    if isinstance(body, str):
        await wire.respond(status, body, "text/plain" if plain else "text/html; charset=utf-8", headers)
    else:
        await wire.respond(status, body, headers=headers)


def _token_of(request: Request) -> str:
    """The Authorization header counts before the cookie, as in Open WebUI."""
    return request.bearer if "authorization" in request.headers else request.cookies.get("token", "")


def _json_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request that says it is JSON; else nothing."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = request.json() if kind == "application/json" else None
    return body if isinstance(body, dict) else {}


def _problem(body: dict[str, Any]) -> str:
    """What is wrong with the form of a completion, or nothing."""
    messages = body.get("messages")
    if not isinstance(body.get("model"), str):
        return "model required"
    if not isinstance(messages, list) or not messages:
        return "messages required"
    if any(not _is_message(message) for message in messages):
        return "messages: role and content"
    if not isinstance(body.get("stream", False), bool):
        return "stream: a valid boolean"
    forms: dict[str, type | tuple[type, ...]] = {
        **dict.fromkeys(("params", "features", "variables", "model_item", "background_tasks"), dict),
        **dict.fromkeys(("chat_id", "id", "session_id"), str),
        "tool_servers": list,
        "temperature": (int, float),
        "max_tokens": int,
    }
    wrong = [name for name, form in forms.items() if name in body and not isinstance(body[name], form)]
    return f"{wrong[0]}: wrong type" if wrong else ""


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or message.get("role") not in ("system", "user", "assistant"):
        return False
    content = message.get("content")
    if isinstance(content, list):
        kinds = [part.get("type") for part in content if isinstance(part, dict)]
        return len(kinds) == len(content) > 0 and set(kinds) <= {"text", "image_url"}
    return isinstance(content, str)


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if part["type"] == "text")
    return str(content)


def _invalid(place: str, what: str) -> dict[str, Any]:
    return {"detail": [{"loc": [place], "msg": what, "type": "value_error"}]}
