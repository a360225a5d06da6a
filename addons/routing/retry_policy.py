"""The retry policy: what follows a failed attempt. Pure; the mechanism is the stream layer's and the exchange's.

Only while the client has seen nothing. In this order: what a recovery mends, what a renewed session mends, another
account or provider, and only when none is left the same account again, after a pause and within a budget.
"""

import random
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from providers.contract.errors import ErrorKind, ProviderError

OWN_FAULT: Final = frozenset(
    {ErrorKind.BAD_REQUEST, ErrorKind.NOT_FOUND, ErrorKind.TOO_LONG, ErrorKind.CONTENT_FILTERED}
)
"""Another account would get the same answer: the request itself is refused."""

PASSING: Final = frozenset(
    {ErrorKind.PROVIDER_DOWN, ErrorKind.INCOMPLETE, ErrorKind.CONVERSATION_BUSY, ErrorKind.GATEWAY_FULL}
)
"""The same account may well answer a moment later."""

FATAL_CODES: Final = frozenset({"upstream_tls"})
"""Faults that no waiting mends: a wrong certificate stays wrong."""


class Cause(StrEnum):
    """The cause for asking another model."""

    UNAVAILABLE = "unavailable"
    """Every account of the model is out."""
    CONTEXT = "context"
    """The conversation is too long for the model."""
    CONTENT = "content"
    """The model's provider refuses the content."""
    SLOW = "slow"
    """The model has not said its first word in time."""


CAUSES: Final = {ErrorKind.TOO_LONG: Cause.CONTEXT, ErrorKind.CONTENT_FILTERED: Cause.CONTENT}
"""Refusals of the request itself that another model may not share."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A model of a chain, and what it stands in for."""

    model: str
    causes: frozenset[Cause]


class Next(Enum):
    """The next step after a failed attempt."""

    GIVE_UP = auto()
    """Nobody is asked any more, not even for another model."""
    ANOTHER_MODEL = auto()
    """Enough attempts were made for this model; one of its fallbacks may still be asked."""
    ANOTHER_CANDIDATE = auto()
    RECOVER = auto()
    """The provider may mend what is wrong (a newer client version …); then the same account again, once."""
    RENEW = auto()
    """The site no longer knows the session: renew it, then the same account again, once."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A failed attempt as the decision sees it."""

    error: ProviderError
    attempts: int
    """Attempts made so far for this model, this one included."""
    accepted: bool
    """The provider had begun to answer: trying again elsewhere spends quota twice."""
    recovered: bool
    """A recovery was already run to this request."""
    recovery_known: bool
    renewed: bool
    """The account's session was already renewed for this request."""
    once: bool = False
    """The request makes something that costs: where it may have been taken, it is not asked again."""


def decide(failed: FailedAttempt, *, max_attempts: int, retry_accepted: bool = True) -> Next:
    """The next step after a failed attempt of which the client has seen nothing."""
    if failed.error.refused and failed.recovery_known and not failed.recovered:
        return Next.RECOVER  # our own addition was refused: that says nothing of the request, and costs no attempt
    if failed.error.kind in OWN_FAULT or (failed.once and failed.error.kind in PASSING):
        return Next.GIVE_UP
    if failed.error.kind is ErrorKind.SESSION_EXPIRED and not failed.renewed:
        return Next.RENEW
    if failed.accepted and not retry_accepted:
        return Next.GIVE_UP
    if failed.attempts >= max_attempts:
        return Next.ANOTHER_MODEL
    if failed.recovery_known and not failed.recovered:
        return Next.RECOVER
    return Next.ANOTHER_CANDIDATE


@dataclass(frozen=True, slots=True)
class RetryRules:
    """The rules of retries at the same account. Seconds; `budget` is a part of the requests under way."""

    enabled: bool = True
    base_s: float = 0.5
    cap_s: float = 8.0
    retry_after_max_s: float = 30.0
    budget: float = 0.2
    budget_min: int = 3

    def pause_s(self, error: ProviderError, retry: int, *, accepted: bool, rng: random.Random) -> float | None:
        """The seconds to wait before the same account is asked again, for the `retry`-th time (1 …); None: not at all.

        The provider's own time, if it is short enough; else exponential back-off with full jitter. A provider that
        had accepted the request is not asked for the same again: the answer may have been made and paid.
        """
        if not self.enabled or error.site_code in FATAL_CODES:
            return None
        if error.kind is ErrorKind.RATE_LIMITED and error.retry_after_s is not None:
            return error.retry_after_s if error.retry_after_s <= self.retry_after_max_s else None
        if accepted or error.kind not in PASSING:
            return None
        return rng.uniform(0, min(self.cap_s, self.base_s * 2.0 ** (retry - 1)))


class RetryBudget:
    """The number of retries that may be under way at once, so that a storm does not feed itself."""

    def __init__(self) -> None:
        self.active = 0
        """Requests under way."""
        self.retrying = 0

    def take(self, rules: RetryRules) -> bool:
        """Takes one place, if there is one; to be given back with `give_back`."""
        if self.retrying >= max(rules.budget_min, rules.budget * self.active):
            return False
        self.retrying += 1
        return True

    def give_back(self) -> None:
        self.retrying -= 1
