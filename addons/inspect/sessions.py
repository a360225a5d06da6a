"""Sessions of clients, by stand-ins that tell one from another and nothing else; and which requests are retries."""

import hashlib
from collections import OrderedDict
from typing import Final

from addons.routing.strategy import conversation_of
from providers.contract.requests import ChatRequest, ModelRequest

_LETTERS: Final = 6
_REMEMBERED: Final = 1000
_CHARS_READ: Final = 64 * 1024


def chat_of(request: ModelRequest | None) -> ChatRequest | None:
    """The chat that a request is, or that asks the same; None for a request of another kind."""
    chat = request if isinstance(request, ChatRequest) or request is None else request.instead()
    return chat if isinstance(chat, ChatRequest) else None


def session_of(request: ModelRequest | None) -> str:
    """The stand-in of the session a request belongs to; nothing where it belongs to none.

    It is the one that the client names; else, of a request with tools, the conversation it goes on with.
    """
    chat = chat_of(request)
    if request is None or not (request.affinity or (chat is not None and chat.tools)):
        return ""
    conversation = conversation_of(request)
    return hashlib.sha256(f"session {conversation}".encode()).hexdigest()[:_LETTERS] if conversation else ""


class SessionTurns:
    """The newest turn of each session, of the sessions seen last."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def retry(self, session: str, request: ModelRequest | None, told: int) -> int:
        """How often this turn was asked before: as the client has `told`, or, of a session that the client names, as
        was seen."""
        if not session or request is None or not request.affinity or (chat := chat_of(request)) is None:
            return told
        turn = _turn_of(chat)
        before, times = self._turns.get(session, (b"", 0))
        seen = times + 1 if before == turn else 0
        self._turns[session] = turn, seen
        self._turns.move_to_end(session)
        if len(self._turns) > _REMEMBERED:
            self._turns.popitem(last=False)
        return max(told, seen)


def _turn_of(chat: ChatRequest) -> bytes:
    """What a repeated request has in common with the first, whether streamed or whole: how far the conversation is, and
    its last words."""
    digest = hashlib.sha256(f"{chat.model} {len(chat.messages)}".encode("utf-8", "surrogatepass"))
    for message in chat.messages[-1:]:
        said = f"{message.role}\0{message.tool_call_id}\0{message.text()[:_CHARS_READ]}"
        digest.update(said.encode("utf-8", "surrogatepass"))
    return digest.digest()
