"""Which stored sessions have ended for good: nothing renews them, only a person who signs in again."""

from collections.abc import Mapping
from dataclasses import dataclass

from addons.accounts.health import Health
from addons.accounts.report import can_renew
from addons.accounts.sessions import Account, Accounts
from addons.accounts.state_file import AccountStateFile
from providers.contract.errors import ProviderError
from providers.contract.provider import Moment, Provider, ProviderOptions


@dataclass(frozen=True, slots=True)
class Ended:
    """One session to remove, and why."""

    account: Account
    why: str


def ended_for_good(
    accounts: Accounts, providers: Mapping[str, Provider[ProviderOptions]], book: AccountStateFile, moment: Moment
) -> list[Ended]:
    """Past their end without anything to renew them with, or refused by their site since they were stored."""
    found = []
    for account in accounts.all():
        why = _why(account, accounts, providers[account.provider], book, moment)
        if why:
            found.append(Ended(account, why))
    return found


def _why(
    account: Account, accounts: Accounts, provider: Provider[ProviderOptions], book: AccountStateFile, moment: Moment
) -> str:
    try:
        stored = accounts.stored(account)
        if stored is None or stored.rev is None:
            return ""
        session = accounts.session(account)
    except ProviderError:
        return ""  # what cannot be read is no reason to throw it away
    ended = session.expires_at is not None and session.expires_at <= moment.epoch_ms // 1000
    if ended and not can_renew(provider, session, moment):
        return "it has ended and nothing renews it"
    noted = book.state((account.provider, account.name))
    refused = noted is not None and noted.health is Health.EXPIRED and noted.since >= (stored.updated or 0)
    if refused and not session.has("password"):
        return "the site has refused it"
    return ""
