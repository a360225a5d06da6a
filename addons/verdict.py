"""What a client is told when no attempt brought an answer: gathered on the way, decided at the end."""

from dataclasses import dataclass

from addons.candidates import Candidate, Candidates
from addons.core.errors import SHORT_WAIT_S, GatewayError
from providers.errors import ProviderError


@dataclass(slots=True)
class Verdict:
    """The first failure at a provider says most; only where nobody was asked, why nobody was."""

    _failure: tuple[ProviderError, Candidate] | None = None
    _unasked: tuple[GatewayError, float] | None = None
    """Why accounts were not asked, of the one that may be asked first, and in how many seconds."""

    def failed(self, error: ProviderError, candidate: Candidate) -> None:
        """An account could not answer."""
        self._failure = self._failure or (error, candidate)

    def not_asked(self, candidates: Candidates) -> None:
        """Accounts that were passed over: resting, or no place in time."""
        if (found := candidates.soonest()) is not None:
            blocked, candidate = found
            error = told(blocked.error, candidate)
            if blocked.by_breaker:
                message = f"{_name(candidate)} keeps failing and is left alone for a while: {blocked.error.message}"
                error = GatewayError(503, message, code="provider_unavailable")
            error.retry_after_s = blocked.wait_s
            if blocked.wait_s <= SHORT_WAIT_S:
                error.should_retry = None  # the account is asked again by then
            self._note(error, blocked.wait_s)
        for full, candidate in candidates.full:
            message = (
                f"all places of {_name(candidate)} are taken; try again, add an account or raise its max_concurrent"
            )
            wait_s = full.retry_after_s or 1.0
            self._note(GatewayError(429, message, code="account_busy", retry_after_s=wait_s), wait_s)

    def error(self, *, asked: bool) -> GatewayError:
        """The verdict. `asked`: at least one attempt was made."""
        if self._failure and (asked or self._unasked is None):
            return told(*self._failure)
        if self._unasked:
            return self._unasked[0]
        return GatewayError(503, "no account is configured for this model", code="no_account")

    def _note(self, error: GatewayError, wait_s: float) -> None:
        if self._unasked is None or wait_s < self._unasked[1]:
            self._unasked = (error, wait_s)


def told(error: ProviderError, candidate: Candidate) -> GatewayError:
    """A provider's refusal as the client is told it."""
    return GatewayError.from_provider(error, candidate.account.provider, candidate.account.name)


def _name(candidate: Candidate) -> str:
    return f"{candidate.account.provider}/{candidate.account.name}"
