"""What providers are asked for, between the client formats (dialects) and the providers: chats and raw prompts.

A dialect makes a ModelRequest, an operation of a provider serves it (providers/contract/operation.py); neither knows
the other. Pictures are asked for by another subclass (pictures.py), as any other kind of request would be. Every value
is immutable.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Literal

from providers.contract.chat import NOTHING, Message
from providers.contract.thread import Thread

type Drawing = Literal["link", "content"]
_NO_THINKING: Final = (None, "none", "minimal")


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What every request to a model has, and what the gateway asks of it whatever its kind is."""

    kind: ClassVar[str]
    """What is asked for, as a person calls it: one word."""
    model: str
    """The public model id, canonical case, aliases resolved."""
    stream: bool = field(default=False, kw_only=True)
    affinity: str | None = field(default=None, kw_only=True)
    """What keeps a conversation with one account (prompt_cache_key, else user)."""
    only_at: tuple[str, str] | None = field(default=None, kw_only=True)
    """The one account (provider, account) that has what the request names; nobody else is asked."""
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING, kw_only=True)
    """Every field of the request that has no place of its own, by its OpenAI name, untouched: official APIs of the same
    form get them, web sessions never see them."""

    @property
    def thinks(self) -> bool:
        """The client asks for reasoning: the answer may be silent for longer."""
        return False

    @property
    def once(self) -> bool:
        """What it makes costs, so that it is not asked again where it may have been taken."""
        return False

    def words(self) -> Iterable[str]:
        """The texts that are sent, in order: tokens are estimated from them where the provider gives no count."""
        return ()

    def opening(self) -> Iterable[str]:
        """What a conversation is known again by, the same in each of its requests; none for what belongs to none."""
        return ()

    def followed_by(self, messages: tuple[Message, ...]) -> "ModelRequest":
        """The request with these said behind it; without a place for them, as it is."""
        return self

    def instead(self) -> "ModelRequest | None":
        """The request that asks the same of a provider with no operation for this kind, or None."""
        return None


@dataclass(frozen=True, slots=True)
class ChatRequest(ModelRequest):
    """An answer to a conversation. None means the client did not say."""

    kind: ClassVar[str] = "chat"
    messages: tuple[Message, ...]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    """Most tokens the answer may have, reasoning included (max_completion_tokens, or the older max_tokens)."""
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None
    """none, minimal, low, medium, high, xhigh, max."""
    search: bool | None = None
    """The client asks for web search (web_search_options)."""
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    response_format: Mapping[str, Any] | None = None
    n: int = 1
    drawing: Drawing | None = None
    """A picture is asked for, and no words: a link to it, or its content."""
    thread: Thread | None = None
    """The chat at the site that goes on: `messages` are then the new turn alone."""
    before: tuple[Message, ...] = ()
    """What that chat holds: it is not sent, but it was said."""

    @property
    def thinks(self) -> bool:
        return self.reasoning_effort not in _NO_THINKING

    def words(self) -> Iterator[str]:
        """The texts of all messages, also of those that the site has already."""
        return (message.text() for message in (*self.before, *self.messages))

    def followed_by(self, messages: tuple[Message, ...]) -> "ChatRequest":
        return replace(self, messages=(*self.messages, *messages)) if messages else self

    def opening(self) -> Iterator[str]:
        """Role and words of each message up to the first of the user's."""
        for message in self.messages:
            yield message.role
            yield message.text()
            if message.role == "user":
                return


@dataclass(frozen=True, slots=True)
class CompletionRequest(ModelRequest):
    """The text that goes on from a raw prompt (/v1/completions). `extra` holds the client's fields as they came.

    What a prompt, a suffix or `echo` mean is the business of an API that has such an operation.
    """

    kind: ClassVar[str] = "completion"
    chat: ChatRequest
    """The same for all others: the prompt as the one message of a chat. `n` is how many texts are asked for."""

    @property
    def thinks(self) -> bool:
        return self.chat.thinks

    def words(self) -> Iterator[str]:
        return self.chat.words()

    def opening(self) -> Iterator[str]:
        return self.chat.opening()

    def instead(self) -> ChatRequest:
        return replace(self.chat, model=self.model)
