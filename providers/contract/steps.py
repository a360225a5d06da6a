"""Steps: the calls a provider needs besides the one that is answered, as a generator that the gateway runs.

    answer = yield Call("POST", …)      # gives the whole Answer; raises ProviderError when the network fails

Nothing in a provider waits, connects, reads a clock or draws randomness: the moment is passed in.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.contract.call import Call


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to a step. Header names are lower case; `set_cookies` are the raw Set-Cookie values."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    set_cookies: tuple[str, ...] = ()
    at_ms: int = 0
    """When it had come, in Unix milliseconds."""


type Steps[T] = Generator[Call, Answer, T]


def no_steps() -> Steps[None]:
    """Steps without a call: a recovery that is to ask again."""
    yield from ()


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause: others have their turn, or the site gets on with what it was given."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Together:
    """Work to be done at once, a few at a time; the results come in the same order. The first failure ends all of
    it."""

    parts: "Sequence[Work[Any]]"


@dataclass(frozen=True, slots=True)
class Fetch:
    """A file at an address of the public Internet, which a client has named; gives the Answer. Nothing of an account
    goes there."""

    url: str
    most_bytes: int


type Work[T] = Generator[Call | Wait | Together | Fetch, Any, T]
"""What may need more than calls one behind the other: uploads, and what features do before a turn."""


def together[T](parts: Sequence[Work[T]]) -> Work[list[T]]:
    """The results of work that is done at once."""
    found: list[T] = yield Together(parts)
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """The time and the randomness a provider may use, passed in so that tests can fix them."""

    epoch_ms: int
    new_id: Callable[[], str]
    """A fresh UUID4 in its usual text form."""
    timezone: str = "UTC"
    """IANA name of the person's time zone."""
    came_ms: int = 0
    """When the client's request came in, where the moment is of one."""
