"""The threads of the Qwen stand-in: the stop, and a chat read back.

Facts: `parent_id` is the response_id of the answer before; null begins a new branch from the root, which sees nothing
of the thread. An answer goes on being made when its stream is dropped, and the chat is busy until it is over or a stop
came. Read back, a finished answer has its text in `content_list` by phases, and `content` may be empty.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.sandbox.qwen.checks import Chat
from providers.sandbox.qwen.refusals import invalid, refused
from providers.sandbox.script import Script
from providers.sandbox.server import Request
from providers.sandbox.threads import Answering, Held


def begin(chat: Chat, parent: str | None, message: Mapping[str, Any], script: Script, response_id: str) -> Answering:
    """An answer begins; the chat is busy. `settle` says how long it will last."""
    answering = Answering([] if script.count else script.pieces(), now(), 0)
    thoughts = "".join(script.thoughts()) if message["feature_config"]["thinking_enabled"] else ""
    held = Held(parent or None, str(message["fid"]), script.asked, script.said, answering, thoughts)
    chat.thread.add(response_id, held)
    chat.responses.add(response_id)
    chat.busy = True
    return answering


def until_stopped(lines: Iterable[bytes], answering: Answering, end: bytes) -> Iterator[bytes]:
    """The lines up to a stop, then the frame that tells of it."""
    for one in lines:
        if answering.stopped_at is not None:
            yield end
            return
        yield one


def stop(request: Request, chats: Mapping[str, Chat], user: str) -> dict[str, Any]:
    """POST …/stop: of one answer, or of whatever the chat is at."""
    body = request.json()
    chat_id = body.get("chat_id") if isinstance(body, dict) else None
    if not isinstance(chat_id, str) or request.query.get("chat_id") != chat_id:
        return invalid("Field 'chat_id': Field required")
    chat = chats.get(chat_id)
    if chat is None or chat.owner != user:
        return refused("CHAT_NOT_FOUND", f"chat {chat_id} is not exist")
    response_id = body.get("response_id") or chat.thread.leaf
    if response_id is not None and response_id not in chat.responses:
        return refused("Not_Found", f"response {response_id} is not exist")
    chat.stops.append(response_id)
    if response_id is not None and response_id in chat.thread.exchanges:
        chat.thread.exchanges[response_id].answering.stop(now())
        chat.busy = chat.busy and response_id != chat.thread.leaf
    return {"success": True, "data": {"status": True}}


def read_back(chat_id: str, chat: Chat) -> dict[str, Any]:
    """GET chats/ID."""
    messages: dict[str, Any] = {}
    for response_id, held in chat.thread.exchanges.items():
        asked = "\n".join(turn.text for turn in held.asked)
        user = {"id": held.user_message_id, "role": "user", "content": asked, "parentId": held.parent}
        messages[held.user_message_id] = {**user, "childrenIds": [response_id]}
        messages[response_id] = {
            "id": response_id,
            "role": "assistant",
            "content": "",
            "content_list": _phases(held),
            "parentId": held.user_message_id,
            "childrenIds": [],
        }
    history = {"messages": messages, "currentId": chat.thread.leaf}
    data = {"id": chat_id, "title": "New Chat", "chat_type": chat.chat_type}
    return {"success": True, "data": {**data, "chat": {"history": history, "messages": list(messages.values())}}}


def _phases(held: Held) -> list[dict[str, Any]]:
    """The parts of an answer; the last one is being typed as long as it is not over."""
    text, over = held.answering.text(now()), held.answering.is_over(now())
    phases = [{"phase": "think", "content": held.thoughts, "status": "finished"}] if held.thoughts else []
    return [*phases, {"phase": "answer", "content": text, "status": "finished" if over else "typing"}]


def now() -> float:
    return asyncio.get_running_loop().time()
