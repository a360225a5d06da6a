"""The threads of the Z.AI stand-in: who hangs on whom, the stop, reading back.

Facts: the ids are the page's: a completion brings `id` (of the answer to come), `current_user_message_id` and
`current_user_message_parent_id`, which is the `id` of the completion before, or null at the beginning. A message of
the same parent is a branch; the same message with another `id` is regenerated. The model sees its branch. A stop is
asked for by the answer's id; texts are read back by messages/batch where the chat is of message_version 1, and stand
nowhere else. Guessed: that an unknown parent, and any parent in a chat that is gone, is an INTERNAL_ERROR; the body of
a stop's answer; `done` in a message that is read back.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.models.shown import Turn
from providers.sandbox.script import Script
from providers.sandbox.server import Request
from providers.sandbox.threads import Answering, Held, Thread

type Answer = tuple[int, object]


@dataclass
class Threads:
    """The threads of all chats."""

    by_chat: dict[str, Thread] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    """Chat id → message_version."""
    stopped: list[str] = field(default_factory=list)
    """Ids of answers that were asked to stop, in order; also of those that were over."""

    def make(self, chat_id: str, chat: Mapping[str, Any]) -> None:
        self.by_chat[chat_id] = Thread()
        self.versions[chat_id] = chat.get("message_version", 0)

    def forget(self, chat_id: str) -> None:
        self.by_chat.pop(chat_id, None)

    # -- completions -----------------------------------------------------------------------------------------------
    def before(self, body: Mapping[str, Any], *, known_chat: bool) -> tuple[Sequence[Turn], str]:
        """The turns that the model sees before the message, and why the site cannot find them."""
        parent = body.get("current_user_message_parent_id")
        if parent is None:
            return (), ""
        thread = self.by_chat.get(str(body.get("chat_id"))) if known_chat else None
        if thread is None or parent not in thread.exchanges:
            return (), "parent not found"
        return thread.branch(parent, _now()), ""

    def begin(self, body: Mapping[str, Any], script: Script, frames: int) -> Answering | None:
        """An answer begins; None where the body names none."""
        answer_id = body.get("id")
        if not isinstance(answer_id, str):
            return None
        lasts_s = (script.delay_first_ms + script.pace_ms * frames) / 1000
        answering = Answering([] if script.count else script.pieces(), _now(), lasts_s)
        message_id = str(body.get("current_user_message_id"))
        parent = body.get("current_user_message_parent_id")
        thoughts = "".join(script.thoughts())
        held = Held(parent, message_id, script.asked, script.said, answering, thoughts)
        self.by_chat[str(body["chat_id"])].add(answer_id, held)
        return answering

    # -- other calls -----------------------------------------------------------------------------------------------
    def answer(self, request: Request, chats: Mapping[str, str]) -> Answer | None:
        """The answer to a call about threads; None for another call."""
        method, path = request.method, request.path
        if method == "POST" and path.startswith("/api/tasks/stop/"):
            return self._stop(path.removeprefix("/api/tasks/stop/"), request.json())
        if method == "POST" and path in ("/api/chat/continue", "/api/v2/chat/continue"):
            return 410, {"detail": "stream is closed"}
        if not path.startswith("/api/v1/chats/"):
            return None
        chat_id, _, rest = path.removeprefix("/api/v1/chats/").partition("/")
        if (method, rest) not in (("POST", "messages/batch"), ("GET", "")) or not chat_id:
            return None
        if chat_id not in chats:
            return 404, {"detail": "Not Found"}
        thread = self.by_chat[chat_id]
        return (200, _stubs(chat_id, thread)) if method == "GET" else self._batch(chat_id, thread, request.json())

    def _stop(self, answer_id: str, body: Any) -> Answer:
        if not isinstance(body, dict) or not isinstance(body.get("reason"), str):
            return 422, {"detail": [{"loc": ["body", "reason"], "msg": "field required"}]}
        found = [thread.exchanges[answer_id] for thread in self.by_chat.values() if answer_id in thread.exchanges]
        if not found:
            return 404, {"detail": "Not Found"}
        self.stopped.append(answer_id)
        found[0].answering.stop(_now())
        return 200, {"status": True}

    def _batch(self, chat_id: str, thread: Thread, body: Any) -> Answer:
        ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not ids:
            return 422, {"detail": [{"loc": ["body", "ids"], "msg": "field required"}]}
        data = {}
        for one in ids:
            if (held := thread.exchanges.get(one)) is not None:
                data[one] = _message(held, whole=self.versions[chat_id] == 1)
        return 200, {"data": data}


def until_stopped(frames: Iterable[bytes], answering: Answering | None, end: bytes) -> Iterator[bytes]:
    """The frames up to a stop, then the end."""
    for frame in frames:
        if answering is not None and answering.stopped_at is not None:
            yield end
            return
        yield frame


def _message(held: Held, *, whole: bool) -> dict[str, Any]:
    """An answer as it is read back: blocks of text; in chats of the older version none."""
    now = _now()
    text = held.answering.text(now)
    blocks = [{"type": "reasoning", "content": held.thoughts}] if held.thoughts else []
    blocks += [{"type": "text", "content": text}] if text else []
    over = held.answering.is_over(now)
    return {"role": "assistant", "content": "", "content_blocks": blocks if whole else [], "done": over}


def _stubs(chat_id: str, thread: Thread) -> dict[str, Any]:
    """A chat as it is listed: who hangs on whom, without any text of the answers."""
    messages: dict[str, Any] = {}
    for answer_id, held in thread.exchanges.items():
        asked = "\n".join(turn.text for turn in held.asked)
        user = {"id": held.user_message_id, "role": "user", "content": asked, "parentId": held.parent}
        messages[held.user_message_id] = {**user, "childrenIds": [answer_id]}
        messages[answer_id] = {"id": answer_id, "role": "assistant", "content": "", "parentId": held.user_message_id}
    history = {"messages": messages, "currentId": thread.leaf}
    return {"id": chat_id, "title": "New Chat", "chat": {"history": history}}


def _now() -> float:
    return asyncio.get_running_loop().time()
