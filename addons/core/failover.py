"""What follows a failed attempt: the policy, apart from the mechanism in the stream layer. Pure.

This is the whole of it for now: move on while that can help and costs nothing twice. Budgets, back-off, cool-downs and
breakers join here.
"""

from dataclasses import dataclass
from enum import Enum, auto

from providers.errors import ErrorKind, ProviderError

MAX_ATTEMPTS = 3

OWN_FAULT = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.TOO_LONG, ErrorKind.CONTENT_FILTERED})
"""Another account would get the same answer: the request itself is refused."""


class Next(Enum):
    GIVE_UP = auto()
    ANOTHER_CANDIDATE = auto()
    REMEDY = auto()
    """The provider may mend what is wrong (a newer client version …); then the same account again, once."""
    RENEW = auto()
    """The site no longer knows the session: renew it, then the same account again, once."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """What the decision rests on."""

    error: ProviderError
    attempts: int
    """Attempts made so far, this one included."""
    accepted: bool
    """The provider had begun to answer: trying again elsewhere spends quota twice."""
    remedied: bool
    """A remedy was already applied to this request."""
    remedy_known: bool
    renewed: bool
    """The account's session was already renewed for this request."""


def decide(failed: FailedAttempt, *, max_attempts: int = MAX_ATTEMPTS, retry_accepted: bool = True) -> Next:
    """The next step after a failed attempt of which the client has seen nothing."""
    if failed.error.kind in OWN_FAULT:
        return Next.GIVE_UP
    if failed.error.kind is ErrorKind.SESSION_EXPIRED and not failed.renewed:
        return Next.RENEW
    if failed.attempts >= max_attempts:
        return Next.GIVE_UP
    if failed.remedy_known and not failed.remedied:
        return Next.REMEDY
    if failed.accepted and not retry_accepted:
        return Next.GIVE_UP
    return Next.ANOTHER_CANDIDATE
