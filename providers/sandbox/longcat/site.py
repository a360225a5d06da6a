"""A stand-in for the LongCat web chat, as strict as the site is known to be.

Known facts it keeps to: the sign-in is one opaque cookie, conversations are made first and belong to their person,
switches are the numbers 0 and 1, refusals come as HTTP status, as JSON in a 200 and as frames. Guessed of the real
site: the exact words and codes of refusals, and that an app key or trace id of a wrong form is refused where none is
fine. Streams: longcat/frames.py.
"""

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.longcat import frames as shapes
from providers.sandbox.longcat.files import Files
from providers.sandbox.longcat.old_frames import old_stream_of
from providers.sandbox.models.shown import Turn
from providers.sandbox.script import Script, end, play, play_counted
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.voice import scripted

PASSPORT = "passport_token_key"
APP_KEY = "fe_com.sankuai.friday.fe.longcat"
AGENTS = ("1", "2")
_NO_COOKIE = {"code": 401, "message": "请求cookie为空", "data": None}
_PAGE = "<!DOCTYPE html><html><head><title>LongCat</title></head><body>Sign in</body></html>"
REFUSALS: dict[str, tuple[int, object]] = {
    "401": (401, _NO_COOKIE),
    "login": (200, shapes.LOG_IN),
    "login_message": (200, {"code": 10001, "message": "请登录后继续对话"}),
    "403": (403, {"code": 403, "message": "Forbidden"}),
    "403_check": (403, shapes.CHECK),
    "418": (418, shapes.CHECK),
    "418_bare": (418, b""),
    "check_200": (200, shapes.CHECK),
    "429": (429, shapes.TOO_FAST),
    "429_body": (200, shapes.TOO_FAST),
    "429_message": (200, {"code": 10002, "message": "操作太快，请稍后再试"}),
    "gone": (200, shapes.GONE),
    "gone_404": (404, shapes.GONE),
    "json_error": (200, shapes.BROKEN),
    "500": (500, shapes.BROKEN),
    "502": (502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "wrong_type": (200, _PAGE),
    "plain": (200, b"Come back later"),
}
"""Fault → status and body instead of an answer: JSON, HTML (text) or plain (bytes)."""


@dataclass(slots=True)
class Conversation:
    """A conversation: its owner, how often it was asked, and what the model has seen in it."""

    user_id: str
    turns: int = 0
    earlier: list[Turn] = field(default_factory=list)


@dataclass
class LongCatSite(Site):
    """The stand-in for LongCat."""

    name: str = "longcat"
    user_id: str = field(default_factory=lambda: str(secrets.randbelow(10**10)))
    email: str = "person@example.com"
    tokens: dict[str, str] = field(default_factory=dict)
    """Live passport token → user id."""
    chats: dict[str, Conversation] = field(default_factory=dict)
    create_fault: str = ""
    """A name of REFUSALS that every session-create meets; `wordless` leaves the id out."""
    create_retry_after: str = ""
    forgets: int = 0
    """So many of the next conversations are gone as soon as they are made."""
    who_fault: str = ""
    """A name of REFUSALS that user-current meets."""
    clock: Callable[[], float] = time.time
    files: Files = field(default_factory=Files)

    def session(self) -> dict[str, Any]:
        return {"cookies": {PASSPORT: self.new_token(), "_lxsdk_cuid": uuid.uuid4().hex, "long_cat_region_key": "2"}}

    def new_token(self, user_id: str = "") -> str:
        """A live token of the site's person, or of another one."""
        token = f"AgG{secrets.token_urlsafe(60)}"
        self.tokens[token] = user_id or self.user_id
        return token

    def revoke(self, token: str) -> None:
        self.tokens.pop(token, None)

    async def handle(self, request: Request, wire: Wire) -> None:
        route = (request.method, request.path)
        user = self.tokens.get(request.cookies.get(PASSPORT, ""))
        open_routes = {
            ("GET", "/api/v1/user-current"): self._who,
            ("GET", "/api/v1/login-info"): self._login_info,
        }
        routes = {
            ("POST", "/api/v1/session-create"): self._create,
            ("GET", "/api/v1/session-delete"): self._delete,
            ("GET", "/api/v1/session-detail"): self._detail,
            ("POST", "/api/v1/appendix-upload"): self._upload,
            ("POST", "/api/v1/chat-completion-V2"): self._complete,
            ("POST", "/api/v1/chat-completion"): self._complete,
        }
        if route in open_routes:
            await open_routes[route](user, wire)
        elif route not in routes:
            known = any(path == request.path for _, path in [*routes, *open_routes])
            status = 405 if known else 404
            await wire.respond(status, {"code": status, "message": "Not Found"})
        elif user is None:
            await wire.respond(401, _NO_COOKIE)
        else:
            await routes[route](request, user, wire)

    # -- account --------------------------------------------------------------------------------------------------
    async def _who(self, user: str | None, wire: Wire) -> None:
        """Code 0 for everybody; whether a person is signed in stands in loginStatus."""
        if self.who_fault:
            await _refuse(self.who_fault, "", wire)
            return
        person = {"userId": user, "email": self.email, "loginStatus": 1, "token": None}
        data = person if user else {"userId": None, "email": None, "loginStatus": 0, "token": None}
        await wire.respond(200, _fine({**data, "reasonButtonStatus": 0, "searchButtonStatus": 0}))

    async def _login_info(self, user: str | None, wire: Wire) -> None:
        await wire.respond(200, _fine({"loginInfo": int(user is not None)}))

    # -- conversations --------------------------------------------------------------------------------------------
    async def _create(self, request: Request, user: str, wire: Wire) -> None:
        if self.create_fault in REFUSALS:
            await _refuse(self.create_fault, self.create_retry_after, wire)
            return
        body = _json_of(request)
        agent = body.get("agentId")
        if problem := _head_problem(request):
            await wire.respond(*problem)
        elif agent not in ("", *AGENTS) or not isinstance(body.get("model", ""), str):
            await wire.respond(200, _wrong("agentId, model"))
        else:
            chat_id, now_ms = str(uuid.uuid4()), int(self.clock() * 1000)
            if self.forgets:
                self.forgets -= 1
            else:
                self.chats[chat_id] = Conversation(user)
            data: dict[str, Any] = {"model": body.get("model", ""), "agent": agent, "title": "", "titleType": "SYSTEM"}
            data |= {"currentMessageId": 0, "capabilities": ["search", "think", "file", "voiceCall"], "label": None}
            data |= {"createAt": now_ms, "updateAt": now_ms}
            if self.create_fault != "wordless":
                data["conversationId"] = chat_id
            await wire.respond(200, _fine(data))

    async def _delete(self, request: Request, user: str, wire: Wire) -> None:
        chat_id = request.query.get("conversationId", "")
        if self._owned(chat_id, user) is None:
            await wire.respond(200, shapes.GONE)
        else:
            del self.chats[chat_id]
            await wire.respond(200, _fine(True))
            await self.notify()

    async def _detail(self, request: Request, user: str, wire: Wire) -> None:
        """The conversation read back; the names of the fields are guessed."""
        chat_id = request.query.get("conversationId", "")
        chat = self._owned(chat_id, user)
        if chat is None:
            await wire.respond(200, shapes.GONE)
            return
        messages = [
            {"messageId": number, "role": turn.role, "content": turn.text, "contentStatus": "FINISHED"}
            for number, turn in enumerate(chat.earlier, 1)
        ]
        await wire.respond(200, _fine({"conversationId": chat_id, "messageList": messages}))

    def _owned(self, chat_id: object, user: str) -> Conversation | None:
        """The conversation, if it is there and the person's own."""
        chat = self.chats.get(chat_id) if isinstance(chat_id, str) else None
        return chat if chat is not None and chat.user_id == user else None

    async def _upload(self, request: Request, user: str, wire: Wire) -> None:
        await wire.respond(*self.files.take(request, user))

    # -- completions ----------------------------------------------------------------------------------------------
    async def _complete(self, request: Request, user: str, wire: Wire) -> None:
        body = _json_of(request)
        if problem := _head_problem(request):
            await wire.respond(*problem)
            return
        listed = body.get("files", [])
        if wrong := _body_problem(body) or self.files.problem(listed, user):
            await wire.respond(200, _wrong(wrong))
            return
        chat = self._owned(body["conversationId"], user)
        if chat is None:
            await wire.respond(200, shapes.GONE)
            return
        script = scripted(
            [("user", body["content"])], files=self.files.seen(listed), earlier=chat.earlier, slip=self.slip
        )
        if script.fault in REFUSALS:
            await _refuse(script.fault, script.retry_after, wire)
        elif script.fault == "silence":
            await wire.wait_gone()
        elif script.fault == "reset_first":
            wire.reset()
        else:
            chat.turns += 1
            chat.earlier += [*script.asked, script.said]
            switches = body.get("reasonEnabled") == 1, body.get("searchEnabled") == 1
            turn = shapes.SandboxTurn(script, body["conversationId"], 2 * chat.turns, *switches)
            await _answer(turn, wire, old=request.path.endswith("chat-completion") or "old" in turn.words)


async def _answer(turn: shapes.SandboxTurn, wire: Wire, *, old: bool) -> None:
    script = turn.script
    rest = Script(pace_ms=script.pace_ms, cut=script.cut, stall_after=script.stall_after)
    await wire.begin(encoding=script.encoding)
    await wire.pause(script.delay_first_ms / 1000)
    stream = old_stream_of(turn) if old else shapes.stream_of(turn)
    measured = script.count and not (script.fault or script.cut or script.stall_after >= 0)
    if measured and not old and not turn.words & {"cumulative", "pairs"}:
        await play(wire, stream.opening, Script(pace_ms=0))
        await play_counted(wire, shapes.counted_frame(turn), script)
        await play(wire, stream.ending, Script(pace_ms=0))
    else:
        await play(wire, shapes.frames_of(turn, stream), rest)
    await end(wire, script)


async def _refuse(fault: str, retry_after: str, wire: Wire) -> None:
    status, body = REFUSALS[fault]
    headers = {"retry-after": retry_after} if status == 429 and retry_after else {}
    kind = "text/html; charset=utf-8" if isinstance(body, str) else "text/plain" if isinstance(body, bytes) else ""
    await wire.respond(status, body, kind, headers)


def _fine(data: object) -> dict[str, Any]:
    return {"code": 0, "message": "success", "data": data}


def _wrong(what: str) -> dict[str, Any]:
    return {"code": 400, "message": f"参数错误: {what}", "data": None}


def _json_of(request: Request) -> dict[str, Any]:
    body = request.json()
    return body if isinstance(body, dict) else {}


def _head_problem(request: Request) -> tuple[int, object] | None:
    """What is wrong with a POST's headers: its type; an app key or a trace id that is there but of a wrong form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return 415, {"code": 415, "message": "Unsupported Media Type"}
    if request.headers.get("m-appkey", APP_KEY) != APP_KEY or not request.headers.get("m-traceid", "1").isdigit():
        return 400, _wrong("m-appkey, m-traceid")
    return None


def _body_problem(body: dict[str, Any]) -> str:
    """The first field of a completion that is missing or of a wrong form, or nothing."""
    for name in ("content", "conversationId"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            return name
    for name in ("reasonEnabled", "searchEnabled", "regenerate"):
        value = body.get(name, 0)
        if type(value) is not int or value not in (0, 1):  # true and "1" are neither
            return name
    if type(body.get("parentMessageId", 0)) is not int:
        return "parentMessageId"
    if body.get("agentId", "1") not in ("", *AGENTS):
        return "agentId"
    if not isinstance(body.get("creationParam", {}), dict):
        return "creationParam"
    return ""
