"""A stand-in for the Qwen web chat, as strict as the site is known to be.

Known facts it keeps to: both ages of sign-in, Bearer and jar together in the newer, refusals as JSON with status 200,
a chat that must exist, belong to the person and be idle, bodies field by field (qwen/checks.py), models that must
think. Frames: qwen/frames.py, qwen/endings.py.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.png import PNG
from providers.sandbox.qwen import threads
from providers.sandbox.qwen.auth import GUEST, Age, People, QwenAuthSite, sign_in
from providers.sandbox.qwen.checks import Chat, new_chat_problem, turn_problem
from providers.sandbox.qwen.endings import lines_of
from providers.sandbox.qwen.files import Files
from providers.sandbox.qwen.frames import SandboxTurn, created, delta, encoded, error, finished, words_of
from providers.sandbox.qwen.interception import intercepted
from providers.sandbox.qwen.models import MODELS, listed
from providers.sandbox.qwen.oss import OssSite
from providers.sandbox.qwen.pictures import give_picture
from providers.sandbox.qwen.refusals import REFUSALS, invalid, refused
from providers.sandbox.script import Script, end, once, play, play_counted
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.threads import Answering
from providers.sandbox.voice import scripted

_UNAUTHORIZED = "您没有权限访问此资源"


_PAGE = '<html><script src="https://assets.example/g/qwenweb/qwen-chat-fe/{version}/js/main.js"></script></html>'


@dataclass
class QwenSite(Site):
    """The stand-in for Qwen Chat."""

    name: str = "qwen"
    people: People = field(default_factory=People)
    chats: dict[str, Chat] = field(default_factory=dict)
    client_version: str = "0.3.12"
    """What the page says, and the only `version` header that a completion may have."""
    intercepts: bool = True
    """Whether calls that look like the model's own are taken for calls of the site's tools."""
    new_chat_fault: str = ""
    """A name of REFUSALS: what chats/new answers."""
    nested_chat_id: bool = False
    """The id of a new chat in `data.chat.chat_id`."""
    pictures_at: str = ""
    """Where its pictures lie: itself, where nothing else is said."""

    files: Files = field(default_factory=lambda: Files(OssSite()))

    def session(self) -> dict[str, Any]:
        return self.people.session()

    def new_session(self, age: Age = "new", life_s: float | None = None) -> dict[str, Any]:
        return self.people.session(age, life_s)

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

    @property
    def busy(self) -> bool:
        """Whether an answer is being made."""
        return any(chat.busy for chat in self.chats.values())

    def companions(self) -> Mapping[str, Site]:
        return {"auth": QwenAuthSite(people=self.people), "oss": self.files.oss}

    async def handle(self, request: Request, wire: Wire) -> None:
        route = (request.method, request.path)
        if route == ("GET", "/"):
            await wire.respond(200, _PAGE.format(version=self.client_version), "text/html")
        elif route == ("POST", "/api/v2/auths/signin"):
            await sign_in(self.people, request, wire, older=False)
        elif route == ("POST", "/api/v1/auths/signin"):
            await sign_in(self.people, request, wire, older=True)
        elif route == ("GET", "/api/v1/auths/"):
            who = self.people.who(request)
            await wire.respond(200, who or refused("unauthorized", "Token has expired"))
        elif route == ("GET", "/api/models"):
            await wire.respond(200, {"data": listed()})
        elif route == ("GET", "/api/v2/models/"):
            await wire.respond(200, {"success": True, "data": {"data": listed()}})
        elif request.method == "GET" and request.path.startswith("/output/"):
            await give_picture(request, wire)
        else:
            await self._of_a_person(request, wire)

    async def _of_a_person(self, request: Request, wire: Wire) -> None:
        """Calls that need a session."""
        user, route = self.people.caller(request), (request.method, request.path)
        jar = self.people.has_jar(request) or user == GUEST
        if not user or not jar or (user == GUEST and not self.people.silent_guest):
            await wire.respond(200, refused("Unauthorized", _UNAUTHORIZED))
        elif route == ("POST", "/api/v2/chats/new"):
            await self._new_chat(request, user, wire)
        elif route == ("POST", "/api/v2/chat/completions"):
            await self._complete(request, wire)
        elif route == ("POST", "/api/v2/chat/completions/stop"):
            await wire.respond(200, threads.stop(request, self.chats, user))
            await self.notify()
        elif await self.files.handle(request, user, wire):
            pass
        elif request.method == "GET" and request.path.endswith("/output/picture.png"):
            await wire.respond(200, PNG, "image/png")
        elif request.method in ("GET", "DELETE") and request.path.startswith("/api/v2/chats/"):
            chat_id = request.path.rpartition("/")[2]
            known = chat_id in self.chats and self.chats[chat_id].owner == user
            if request.method == "GET":
                missing = refused("CHAT_NOT_FOUND", f"chat {chat_id} is not exist")
                await wire.respond(200, threads.read_back(chat_id, self.chats[chat_id]) if known else missing)
                return
            if known:
                del self.chats[chat_id]
            await wire.respond(200, {"success": known, "data": {"status": known}})
        else:
            await wire.respond(404, {"detail": "Not Found"})

    async def _new_chat(self, request: Request, user: str, wire: Wire) -> None:
        problem = new_chat_problem(request.json()) if _is_json(request) else invalid("body")
        if self.new_chat_fault:
            await REFUSALS[self.new_chat_fault].send(wire)
        elif problem is not None:
            await wire.respond(200, problem)
        else:
            chat_id = str(uuid.uuid4())
            self.chats[chat_id] = Chat(user, chat_type=request.json()["chat_type"])
            data = {"chat": {"chat_id": chat_id}} if self.nested_chat_id else {"id": chat_id}
            await wire.respond(200, {"success": True, "request_id": str(uuid.uuid4()), "data": data})

    # -- completions ----------------------------------------------------------------------------------------------
    async def _complete(self, request: Request, wire: Wire) -> None:
        body: Any = request.json() if _is_json(request) else None
        chat_id = request.query.get("chat_id", "")
        problem = turn_problem(body, chat_id, self.chats, self.people.caller(request))
        if request.headers.get("version") != self.client_version:
            problem = refused("Bad_Request", "Invalid input")
        if problem is not None:
            await wire.respond(200, problem)
            return
        message, user = body["messages"][0], self.people.caller(request)
        unread = self.files.problem(message, user)
        seen = [] if unread else self.files.seen(message, MODELS[body["model"]])
        earlier = self.chats[chat_id].thread.branch(body.get("parent_id"), threads.now())
        script = scripted([("user", message["content"])], files=seen, earlier=earlier, slip=self.slip)
        if self.intercepts:
            script = intercepted(script, message["feature_config"])
        script = once(script, self.met)
        if script.fault == "silence":
            await wire.wait_gone()
        elif script.fault == "reset_first":
            wire.reset()
        elif script.fault in REFUSALS:
            await REFUSALS[script.fault].send(wire, script.retry_after)
        else:
            pictures_at = self.pictures_at or f"http://{request.headers.get('host', '')}"
            await self._answer(body, script, _turn(chat_id, body, script, pictures_at), unread, wire)

    async def _answer(self, body: dict[str, Any], script: Script, turn: SandboxTurn, unread: str, wire: Wire) -> None:
        chat = self.chats[turn.chat_id]
        answering = threads.begin(chat, body.get("parent_id"), body["messages"][0], script, turn.response_id)
        try:
            await self._stream(body, script, turn, answering, unread, wire)
            answering.finish()
        finally:
            left_s = answering.begun_at + answering.lasts_s - threads.now()
            if answering.is_over(threads.now()) or left_s <= 0:
                chat.busy = False
            else:  # it goes on without its reader
                asyncio.get_running_loop().call_later(left_s, self._release, chat, answering)

    def _release(self, chat: Chat, answering: Answering) -> None:
        """The answer is over; unless it was stopped, and another may have begun."""
        if answering.stopped_at is None:
            chat.busy = False
            self._told = asyncio.ensure_future(self.notify())

    _told: asyncio.Future[None] | None = field(default=None, init=False, repr=False)

    async def _stream(
        self, body: dict[str, Any], script: Script, turn: SandboxTurn, answering: Answering, unread: str, wire: Wire
    ) -> None:
        await wire.begin(encoding=script.encoding)
        features = body["messages"][0]["feature_config"]
        if unread:
            await play(wire, encoded([created(turn), error(turn, code="invalid_input", details=unread)]), script)
        elif not MODELS[body["model"]].think_skip and not features["thinking_enabled"]:
            lines = encoded([created(turn), error(turn, code="invalid_input", details="this model must think")])
            await play(wire, lines, script)
        elif script.count:
            await play(wire, encoded([created(turn)]), Script(pace_ms=0))
            await play_counted(wire, encoded([delta(turn, "answer", "word ")])[0], script)
            await play(wire, encoded([finished(turn)]), Script(pace_ms=0))
        else:
            lines = lines_of(script, turn)
            answering.lasts_s = (script.delay_first_ms + script.pace_ms * len(lines)) / 1000
            stopped = encoded([{"response.stopped": {"response_id": turn.response_id}}])[0]
            await play(wire, threads.until_stopped(lines, answering, stopped), script)
        await end(wire, script)


def _turn(chat_id: str, body: dict[str, Any], script: Script, pictures_at: str) -> SandboxTurn:
    """What the switches make of an answer. In Auto the model decides; these think and search when told to only."""
    message, words = body["messages"][0], words_of(script)
    features, kind, model = message["feature_config"], message["chat_type"], MODELS[body["model"]]
    always = not features.get("auto_thinking", False) or not model.think_skip or "thinks" in words
    return SandboxTurn(
        chat_id,
        str(uuid.uuid4()),
        thinking=model.thinking and features["thinking_enabled"] and always,
        search=kind == "search" or (features.get("auto_search", False) and "searches" in words),
        image=kind == "t2i",
        edits=kind == "image_edit",
        pictures_at=pictures_at,
        summary="thinking_format" in features,
        incremental=body.get("incremental_output") is True,
    )


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/json")
