"""What a client is told when no attempt brought an answer: gathered on the way, decided at the end."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from addons.accounts.account_record import AccountId
from addons.accounts.availability import Blocked
from addons.accounts.lease import Candidate, PassedOver
from addons.accounts.limiter import LimiterFull
from addons.accounts.way_in import way_in
from addons.errors import MESSAGE_LIMIT, SHORT_WAIT_S, GatewayError, clean
from addons.features.token_estimate import estimated
from addons.words.commands import capture, command
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.requests import ModelRequest

_LEAST_SAID: Final = 80
"""Characters of a site's words that stand even beside long advice."""

_NOBODY_ELSE: Final = "What the request names lies at {} alone: nobody else can be asked."

BUSY: Final = "account_busy"
"""The code of an error that says that no place was free in time."""


@dataclass(slots=True)
class FinalError:
    """The first failure at a provider says most; only where nobody was asked, why nobody was."""

    providers: Mapping[str, AnyProvider]
    only_at: AccountId | None = None
    """The one account that could be asked."""
    request: ModelRequest | None = None
    """What was asked, where that is to be told of a conversation that is too long."""
    _failure: tuple[ProviderError, Candidate] | None = None
    _unasked: tuple[GatewayError, float] | None = None
    """Why accounts were not asked, of the one that may be asked first, and in how many seconds."""

    def failed(self, error: ProviderError, candidate: Candidate) -> None:
        """An account could not answer."""
        self._failure = self._failure or (error, candidate)

    def not_asked(self, passed_over: Sequence[PassedOver]) -> None:
        """Accounts that were passed over: resting, or no place in time."""
        blocked = [(one.why, one.candidate) for one in passed_over if isinstance(one.why, Blocked)]
        if blocked:
            self._resting(*min(blocked, key=lambda entry: entry[0].wait_s))
        for one in passed_over:
            if isinstance(one.why, LimiterFull):
                self._busy(one.why, one.candidate)

    def _resting(self, blocked: Blocked, candidate: Candidate) -> None:
        """An account that is not asked before its time."""
        challenged = blocked.error.kind is ErrorKind.CHALLENGE
        said = _rest_told(blocked.error, candidate, blocked.wait_s) if challenged else blocked.error
        error = self.told(said, candidate)
        if blocked.by_breaker:
            message = f"{candidate.account} keeps failing and is left alone for a while: {blocked.error.message}"
            error = GatewayError(503, message, code="provider_unavailable")
            error.about = candidate.named
        error.retry_after_s = blocked.wait_s
        if blocked.wait_s <= SHORT_WAIT_S:
            error.should_retry = None  # the account is asked again by then
        self._unless_sooner(error, blocked.wait_s)

    def _busy(self, full: LimiterFull, candidate: Candidate) -> None:
        """An account that had no place in time."""
        message = f"all places of {candidate.account} are taken; try again, add an account or raise its max_concurrent"
        wait_s = full.retry_after_s or 1.0
        error = GatewayError(429, message, code=BUSY, retry_after_s=wait_s)
        error.about = candidate.named
        self._unless_sooner(error, wait_s)

    def error(self, *, asked: bool) -> GatewayError:
        """The error for the client. `asked`: at least one attempt was made."""
        found = GatewayError(503, "no account is configured for this model", code="no_account")
        if self._failure and (asked or self._unasked is None):
            found = self.told(*self._failure)
        elif self._unasked:
            found = self._unasked[0]
        if self.only_at is not None:
            found.message = f"{found.message} {_NOBODY_ELSE.format('/'.join(self.only_at))}"
        return found

    def told(self, error: ProviderError, candidate: Candidate) -> GatewayError:
        """A provider's refusal as the client is told it."""
        provider, account = self.providers[candidate.account.provider], candidate.account.name
        found = GatewayError.from_provider(error, provider.name, account, way_in(provider, account))
        found.about = candidate.named
        if error.kind is ErrorKind.TOO_LONG and self.request is not None and (most := candidate.model.context_length):
            found.prompt = (max(estimated(self.request.words()), most + 1), most)
        return found

    def _unless_sooner(self, error: GatewayError, wait_s: float) -> None:
        if self._unasked is None or wait_s < self._unasked[1]:
            self._unasked = (error, wait_s)


def _rest_told(error: ProviderError, candidate: Candidate, wait_s: float) -> ProviderError:
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
