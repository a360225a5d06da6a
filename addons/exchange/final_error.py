"""What a client is told when no attempt brought an answer: gathered on the way, decided at the end."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from addons.accounts.way_in import way_in
from addons.errors import MESSAGE_LIMIT, SHORT_WAIT_S, GatewayError, clean
from addons.exchange.context import AnyProvider
from addons.routing.candidates import Candidate, Candidates
from addons.words.commands import capture, command
from providers.contract.errors import ErrorKind, ProviderError

_LEAST_SAID: Final = 80
"""Characters of a site's words that stand even beside long advice."""


@dataclass(slots=True)
class FinalError:
    """The first failure at a provider says most; only where nobody was asked, why nobody was."""

    providers: Mapping[str, AnyProvider]
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
            challenged = blocked.error.kind is ErrorKind.CHALLENGE
            said = _resting(blocked.error, candidate, blocked.wait_s) if challenged else blocked.error
            error = self.told(said, candidate)
            if blocked.by_breaker:
                message = f"{_name(candidate)} keeps failing and is left alone for a while: {blocked.error.message}"
                error = GatewayError(503, message, code="provider_unavailable")
                error.about = name_of(candidate)
            error.retry_after_s = blocked.wait_s
            if blocked.wait_s <= SHORT_WAIT_S:
                error.should_retry = None  # the account is asked again by then
            self._note(error, blocked.wait_s)
        for full, candidate in candidates.full:
            message = (
                f"all places of {_name(candidate)} are taken; try again, add an account or raise its max_concurrent"
            )
            wait_s = full.retry_after_s or 1.0
            error = GatewayError(429, message, code="account_busy", retry_after_s=wait_s)
            error.about = name_of(candidate)
            self._note(error, wait_s)

    def error(self, *, asked: bool) -> GatewayError:
        """The error for the client. `asked`: at least one attempt was made."""
        if self._failure and (asked or self._unasked is None):
            return self.told(*self._failure)
        if self._unasked:
            return self._unasked[0]
        return GatewayError(503, "no account is configured for this model", code="no_account")

    def told(self, error: ProviderError, candidate: Candidate) -> GatewayError:
        """A provider's refusal as the client is told it."""
        provider, account = self.providers[candidate.account.provider], candidate.account.name
        found = GatewayError.from_provider(error, provider.name, account, way_in(provider, account))
        found.about = name_of(candidate)
        return found

    def _note(self, error: GatewayError, wait_s: float) -> None:
        if self._unasked is None or wait_s < self._unasked[1]:
            self._unasked = (error, wait_s)


def name_of(candidate: Candidate) -> tuple[str, str, str]:
    """Model, provider and account."""
    return candidate.route.model.id, candidate.account.provider, candidate.account.name


def _resting(error: ProviderError, candidate: Candidate, wait_s: float) -> ProviderError:
    """What a client is told while a challenged account rests: why, how long, and what ends it at once."""
    account = (candidate.account.provider, candidate.account.name)
    words = f"The account rests and is asked again in {_span(wait_s)}. "
    if error.credential == "key":
        words += f"To try at once: {command('accounts', 'reset', *account)}"
    else:
        words += (
            "Use the official API, or pass the check in your browser and store the session anew, which ends the rest: "
            f"{capture(*account)}"
        )
    room = MESSAGE_LIMIT - len(f"[{'/'.join(account)}]") - len(words) - 3  # the account is put before it, with blanks
    words = f"{clean(error.message, max(room, _LEAST_SAID))} {words}"
    return ProviderError(error.kind, words, site_code=error.site_code, status=error.status, advised=True)


def _span(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 90 else f"{math.ceil(seconds / 60)} min"


def _name(candidate: Candidate) -> str:
    return f"{candidate.account.provider}/{candidate.account.name}"
