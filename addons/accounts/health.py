"""What is known of an account's well-being, in the words people see. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from addons.accounts.cooldown import CooldownRules, rest_s
from addons.errors import clean
from providers.contract.errors import ErrorKind, ProviderError

REASON_LIMIT: Final = 500
"""Characters of a provider's words that are kept."""


class Health(StrEnum):
    OK = "ok"
    REFRESHING = "refreshing"
    """Its session is being renewed just now."""
    ENDED = "ended"
    """Its session has ended by its own word; whether the site renews it shows when it is needed next."""
    EXPIRED = "expired"
    """Sign in again."""
    CHALLENGED = "challenged"
    """The site wants a human: open it in the browser."""
    LIMITED = "limited"
    """Too fast, or the allowance is used up, until a known time."""
    BLOCKED = "blocked"
    """The site has closed the account."""
    MISSING = "missing"
    """Nothing is stored for it."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account's state. Times in Unix seconds; `reason` holds no secret."""

    health: Health = Health.OK
    since: int = 0
    until: int | None = None
    """When a limit ends, or a challenged account is asked again."""
    reason: str = ""

    def now(self, epoch_s: float) -> "AccountState":
        """The state as it is at a time: a limit that has passed is none."""
        if self.health is Health.LIMITED and self.until is not None and self.until <= epoch_s:
            return AccountState(Health.OK, self.until)
        return self


_HEALTH: Final = {
    ErrorKind.SESSION_EXPIRED: Health.EXPIRED,
    ErrorKind.CHALLENGE: Health.CHALLENGED,
    ErrorKind.ACCOUNT_BLOCKED: Health.BLOCKED,
    ErrorKind.RATE_LIMITED: Health.LIMITED,
    ErrorKind.QUOTA: Health.LIMITED,
}


OF_ANSWERS: Final = frozenset({Health.CHALLENGED, Health.LIMITED, Health.BLOCKED})
"""What a site says where it should answer a chat. That it knows the session takes nothing of it back."""


def after_error(error: ProviderError, epoch_s: float, rules: CooldownRules) -> AccountState | None:
    """The state an account is in after a failure; None when the failure says nothing of the account as a whole."""
    health = _HEALTH.get(error.kind)
    if health is None or error.scope == "model":
        return None
    until = int(epoch_s + rest_s(error, rules)) if health is Health.LIMITED else None
    return AccountState(health, int(epoch_s), until, clean(error.message, REASON_LIMIT))
