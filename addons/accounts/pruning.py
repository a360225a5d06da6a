"""Which stored sessions have ended for good: nothing renews them, only a person who signs in again."""

from collections.abc import Iterable
from dataclasses import dataclass

from addons.accounts.account import Account
from addons.accounts.health import Health
from addons.accounts.report import can_renew
from providers.contract.errors import ProviderError
from providers.contract.steps import Moment


@dataclass(frozen=True, slots=True)
class Ended:
    """One session to remove, and why."""

    account: Account
    why: str


def ended_for_good(accounts: Iterable[Account], moment: Moment) -> list[Ended]:
    """Past their end without anything to renew them with, or refused by their site since they were stored."""
    return [Ended(account, why) for account in accounts if (why := _why(account, moment))]


def _why(account: Account, moment: Moment) -> str:
    try:
        stored = account.session.stored()
        if stored is None or stored.rev is None:
            return ""
        session = account.session.read()
    except ProviderError:
        return ""  # what cannot be read is no reason to throw it away
    ended = session.expires_at is not None and session.expires_at <= moment.epoch_ms // 1000
    if ended and not can_renew(account.session.provider, session, moment):
        return "it has ended and nothing renews it"
    recorded = account.health.state
    refused = recorded is not None and recorded.health is Health.EXPIRED and recorded.since >= (stored.updated or 0)
    if refused and not session.has("password"):
        return "the site has refused it"
    return ""
