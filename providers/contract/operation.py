"""Operations: how a provider serves one kind of request, a turn at a time. Sans-IO.

The gateway makes a Turn for each try at an account and goes through it in this order:

    prepare    steps to do first (create a chat …)
    call       the one call that is answered
    accepts    whether the head of the answer says that it is one: then `decoder` reads the body, else `classify`
    recover    after a failure: steps after which another turn may succeed
    read_back  where the stream was lost before the end of the answer
    stop       where the answer is given up while the site still makes it
    cleanup    afterwards, where the person wants it
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from providers.contract.call import Call
from providers.contract.errors import ProviderError
from providers.contract.events import Event
from providers.contract.requests import ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Moment, Steps
from providers.contract.thread import Thread


class Decoder(Protocol):
    """Turns the provider's bytes into events. Never raises on odd input; ends in exactly one terminal event.

    The events' joined content is the same however the bytes were cut. After the terminal event, both methods give [].
    """

    @property
    def ended(self) -> bool:
        """Whether all of the answer was said, and only token counts or the end mark may follow.

        Such an answer is whole, however its connection ends or lingers: `close` then gives the Finish. A decoder that
        cannot know leaves it at False.
        """
        return False

    def feed(self, data: bytes) -> list[Event]: ...

    def close(self) -> list[Event]:
        """Nothing more comes, or is waited for: whatever is still held back, and the terminal event if none came."""
        ...


class Turn(ABC):
    """One request at one account, tried once. Keeps what it made at the site (a chat's id) for itself.

    Recorded answers are read by turns that were never prepared: what reads answers must do then.
    """

    def prepare(self, now: Moment) -> Steps[None] | None:
        """What to do before the call (create a chat …), or None. Raises ProviderError, as its steps do."""
        return None

    @abstractmethod
    def call(self, now: Moment) -> Call:
        """The call itself. Raises ProviderError(BAD_REQUEST) when the request cannot be said to this provider."""

    @abstractmethod
    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """True when status and content type (names in lower case) say that `decoder` can read the body."""

    @abstractmethod
    def decoder(self) -> Decoder:
        """A fresh decoder for an answer that was accepted."""

    @abstractmethod
    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The meaning of a refusal: any answer that was not accepted (bad status, JSON or HTML in a 200)."""

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        """Steps after which another turn may succeed (a fresh client version …), or None. Run once a request.

        `asked` is when the refused call was made. One recovery of a provider for a kind of error runs at a time, so
        what an earlier one learnt after the request came in need not be learnt again.
        """
        return None

    reads_back: ClassVar[bool] = False
    """The site keeps answers, and goes on with one whose stream was lost."""

    def read_back(self, now: Moment) -> Steps[Sequence[Event] | None] | None:
        """Steps that ask the site for the whole answer: its events, a Finish at their end; None while the site still
        writes it, or where it has none. Run several times, with pauses."""
        return None

    def stop(self, now: Moment) -> Call | None:
        """The call that has the site end an answer that it still makes and nobody wants any more; None without one."""
        return None

    def cleanup(self, now: Moment) -> Sequence[Call]:
        """The calls that remove what `prepare` made at the site (chats). Only where the person wants it."""
        return ()

    @property
    def thread(self) -> Thread | None:
        """Where the conversation can go on once its answer is whole; None where it cannot."""
        return None

    @property
    def buffers(self) -> bool:
        """True where the site says nothing until its answer is whole, so that the client is kept waiting visibly."""
        return False


@dataclass(frozen=True, slots=True)
class Operation[R: ModelRequest]:
    """How a provider serves one kind of request."""

    native: frozenset[str] | None
    """Names of the request's fields that the provider carries itself; None: all of them (official APIs)."""
    turn: Callable[[R, Session], Turn]
    """A turn for a request with an account's session. Cheap, and raises nothing: what cannot be said, `prepare` or
    `call` refuse."""
    threads: bool = False
    """Its turns say where a chat can go on, and take requests with a `thread`. One that the site does not take so is
    refused as any other, and asked for again as a whole."""


@dataclass(frozen=True, slots=True)
class Serving[R: ModelRequest]:
    """A request as an operation of a provider takes it: the client's own, or another that asks the same."""

    operation: Operation[R]
    request: R
