"""How one request goes on in a chat at its site, and what it leaves there for the next."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from addons.accounts.account_record import AccountId
from addons.accounts.lease import Candidate
from addons.exchange.context import Context
from addons.exchange.conversation import Conversation, ToldAnswer
from addons.exchange.threads import HeldThread
from addons.features.settings import DEFAULTS
from addons.routing.model_index import ModelRoute
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.native import NativeRequest
from providers.contract.operation import Operation, Turn
from providers.contract.requests import ChatRequest, ModelRequest
from providers.contract.thread import Thread

OF_THE_CHAT: Final = frozenset(
    {
        ErrorKind.CONVERSATION_BUSY,
        ErrorKind.CONVERSATION_GONE,
        ErrorKind.BAD_REQUEST,
        ErrorKind.MODEL_UNAVAILABLE,
        ErrorKind.PROVIDER_DOWN,
    }
)
"""Refusals of a turn that may be about the chat it was to stand in: a site says `not found`, or that it failed inside,
for a chat that is gone or a parent it does not know. The same is asked for again without that chat."""


BUSY_S: Final = 2.0
"""What clients of Qwen wait where a chat is in progress (2026-10)."""


@dataclass(slots=True)
class Continuation:
    """One request's use of threads. Works nothing out for providers that have none."""

    context: Context
    request: ModelRequest
    identity: bytes | None
    """Of the client key."""
    told: ToldAnswer | None = None
    """The newest attempt's answer, where its thread is wanted."""
    thread: Thread | None = None
    """The chat that the newest attempt goes on in."""
    _kept: Thread | None = None
    """The chat that the next attempt is to go on in once more."""
    _waited: bool = False
    _found: Conversation | None = field(default=None)

    def holder(self, routes: Sequence[ModelRoute]) -> AccountId | None:
        """The account in whose chat the request can go on: asked first."""
        if not any(self._serves(route.provider) for route in routes):
            return None
        key = self._conversation().key
        return self.context.threads.holder(key) if key is not None else None

    def begin(self, request: ModelRequest, candidate: Candidate, *, alone: bool) -> ModelRequest:
        """The request as an attempt asks it: its new turn alone where the candidate's account has a chat for it.

        `alone`: it is the client's own request, nothing of ours behind it; else the chat would hold that too.
        """
        self.told, self.thread = None, None
        if not alone or not self._serves(candidate.key[0]) or not isinstance(request, ChatRequest) or request.n > 1:
            return request
        self.told = ToldAnswer()
        conversation = self._conversation()
        if conversation.key is None:
            return request
        thread, self._kept = self._kept, None
        thread = thread or self.context.threads.take(conversation.key, candidate.key, candidate.model.id)
        if thread is None:
            return request
        self.thread = thread
        return replace(request, messages=conversation.turn, before=conversation.before, thread=thread)

    def may_be_of_the_chat(self, error: ProviderError) -> bool:
        """Whether an attempt that went on in a chat may have failed for that chat alone."""
        return self.thread is not None and error.kind in OF_THE_CHAT

    def busy_s(self, error: ProviderError) -> float:
        """Seconds after which the same turn may be taken: who answers fast comes before his site has quite ended the
        answer before. Once a request; nothing where the request is to be asked as a whole."""
        if self._waited or error.kind is not ErrorKind.CONVERSATION_BUSY:
            return 0.0
        self._waited, self._kept = True, self.thread
        return min(error.retry_after_s or BUSY_S, BUSY_S)

    def keep(self, turn: Turn, candidate: Candidate) -> None:
        """The newest attempt has been answered, whole and as the site has it: the next request may go on there."""
        if self.told is None or (thread := turn.thread) is None or (answer := self.told.message()) is None:
            return
        held = HeldThread(candidate.key, candidate.model.id, thread)
        self.context.threads.put(self._conversation().answered(answer), held)

    def _serves(self, provider: str) -> bool:
        """Whether threads are used at the provider for a request of this kind."""
        if not isinstance(self._chat, ChatRequest):
            return False
        operation: Operation[ModelRequest] | None = self.context.providers[provider].operations.get(ChatRequest)
        if operation is None or not operation.threads or provider in self.context.cleaned_up:
            return False
        return self.context.features.get(provider, DEFAULTS).threads

    @property
    def _chat(self) -> ModelRequest:
        """The request, or the chat that asks the same where it has a form of its own: a site is asked that."""
        return self.request.chat if isinstance(self.request, NativeRequest) else self.request

    def _conversation(self) -> Conversation:
        if self._found is None:
            assert isinstance(self._chat, ChatRequest)
            self._found = Conversation(self._chat, self.identity)
        return self._found
