"""How a request ended, and who is told of it."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from addons.words.shown import shown

log = logging.getLogger("glassgate")

WHY_LIMIT: Final = 300
SHORTEST_SENTENCE: Final = 30
"""A full stop before this, in characters, may be that of an abbreviation."""
_NEXT_SENTENCE: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")


@dataclass(slots=True)
class Outcome:
    """What is known of one request that is over. Times in milliseconds. The log's JSON form keeps these names."""

    id: str
    key: str
    """The client key's name; `-` where none was right, `anyone` where none is wanted."""
    path: str
    status: int
    """What the client got; 499 when it left before it got anything."""
    model: str | None = None
    """The model that answered, or that `why` is about, or was asked last; without any attempt the one asked for."""
    provider: str | None = None
    account: str | None = None
    attempts: int = 0
    first_token_ms: int | None = None
    """From the request's arrival."""
    total_ms: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    outcome: str = "ok"
    """ok, refused, failed, broken_off (after some of the answer was delivered) or client_left; replayed, of what was
    sent again in the inspector."""
    error_code: str | None = None
    """The code the client got, be it in an answer or in the last frame of a stream; the type where it got none."""
    client: str = "-"
    """The address the request came from."""
    method: str = ""
    asked: str | None = None
    """The model in the client's words."""
    why: str = ""
    """What the client was told went wrong, without the advice behind it; or how far its answer was when it left."""
    wait_ms: int = 0
    """Of the total: in line for a turn at an account, or before another attempt."""

    def __post_init__(self) -> None:
        self.why = shown(_first_sentence(self.why), WHY_LIMIT)


class Observer(Protocol):
    """Is told of every request that is over, answered by a provider or at the door."""

    def ended(self, outcome: Outcome) -> None:
        """Takes no time to speak of: it is called on the event loop, between two requests."""
        ...


def tell(observers: Iterable[Observer], outcome: Outcome) -> None:
    """Tells each; the fault of one is logged, and keeps nothing from the others nor from the request."""
    for observer in observers:
        try:
            observer.ended(outcome)
        except Exception:
            log.exception("%s failed over the end of request %s", type(observer).__name__, outcome.id)


def _first_sentence(text: str) -> str:
    end = _NEXT_SENTENCE.search(text, SHORTEST_SENTENCE)
    return text[: end.start()] if end else text
