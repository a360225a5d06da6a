"""Steps: the calls a provider needs besides the one that is answered, as a generator that the gateway runs.

    answer = yield Call("POST", …)      # gives the whole Answer; raises ProviderError when the network fails

Nothing in a provider waits, connects, reads a clock or draws randomness: the moment is passed in.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

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
class Moment:
    """The time and the randomness a provider may use, passed in so that tests can fix them."""

    epoch_ms: int
    new_id: Callable[[], str]
    """A fresh UUID4 in its usual text form."""
    timezone: str = "UTC"
    """IANA name of the person's time zone."""
    came_ms: int = 0
    """When the client's request came in, where the moment is of one."""
