"""What people are told of the accounts: by `glassgate accounts` and `doctor`, and by /healthz with a client key."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from addons.accounts.account import Account
from addons.accounts.health import AccountState, Health
from addons.accounts.sessions import StoredCredentials
from addons.accounts.way_in import way_in
from addons.words.table import table
from providers.contract.errors import ProviderError
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.session import Session
from providers.contract.steps import Moment

CAN_SERVE: Final = frozenset({Health.OK, Health.REFRESHING, Health.ENDED})
"""How an account is that a request may succeed with."""


_OF_A_SESSION: Final = frozenset({Health.EXPIRED, Health.CHALLENGED})
"""What holds of the session that was stored then, not of a newer one."""


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account. Times in Unix seconds; no secret in it."""

    provider: str
    account: str
    state: Health
    reason: str = ""
    until: int | None = None
    """When a limit ends, or when a challenged account is asked again."""
    expires_at: int | None = None
    """When the session itself ends, where that is known."""
    renewable: bool = False
    """The gateway renews the session by itself."""
    limited_models: Mapping[str, int | None] = field(default_factory=dict)
    """Models the site does not answer for this account now, and until when."""


def report(accounts: Iterable[Account], moment: Moment) -> list[AccountLine]:
    """All configured accounts, in the order of config.yaml."""
    return [_line(account, moment) for account in accounts]


def any_can_serve(accounts: Iterable[Account], moment: Moment) -> bool:
    """Whether a request may succeed with any of them."""
    return any(_line(account, moment).state in CAN_SERVE for account in accounts)


def can_renew(provider: Provider[ProviderOptions], session: Session, moment: Moment) -> bool:
    """Whether a session holds something to renew it with: a renewal right, or a remembered password."""
    ways = [provider.sign_in.refresh(session, moment)]
    if session.has("password"):
        ways.append(provider.sign_in.with_password(session, moment))
    for steps in ways:
        if steps is not None:
            steps.close()
    return any(steps is not None for steps in ways)


def _line(account: Account, moment: Moment) -> AccountLine:
    recorded, provider = account.health.state or AccountState(), account.session.provider
    stored = None
    try:
        stored = account.session.stored()
        session = account.session.read()
    except ProviderError as error:
        state = Health.MISSING if stored is None else Health.EXPIRED
        return AccountLine(account.provider, account.name, state, error.message)
    renewable = stored is not None and stored.rev is not None and can_renew(provider, session, moment)
    ended = session.expires_at is not None and session.expires_at <= moment.epoch_ms // 1000
    if ended and not renewable:
        way = way_in(provider, account.name)
        recorded = AccountState(Health.EXPIRED, reason=f"the session has ended. Sign in again: {way}")
    elif stored is not None and _is_of_an_older_session(recorded, stored):
        recorded = AccountState()
    if ended and recorded.health is Health.OK:
        recorded = AccountState(Health.ENDED, reason="the gateway tries to renew it when it is needed next")
    return AccountLine(
        account.provider,
        account.name,
        recorded.health,
        recorded.reason,
        recorded.until,
        session.expires_at or None,
        renewable,
        {name: state.until for name, state in account.health.models.items()},
    )


def _is_of_an_older_session(recorded: AccountState, stored: StoredCredentials) -> bool:
    """Whether another session has been stored since."""
    if recorded.health is Health.MISSING:
        return True  # there is one now, be it of the same second
    return recorded.health in _OF_A_SESSION and (stored.updated or 0) > recorded.since


def report_lines(lines: Iterable[AccountLine], now_s: float) -> list[str]:
    """The accounts as a table for people: name, state, what there is to say."""
    rows = [(f"{line.provider}/{line.account}", line.state.value, "  ".join(_said(line, now_s))) for line in lines]
    return table((), rows)


def _said(line: AccountLine, now_s: float) -> list[str]:
    words = []
    if line.state is Health.LIMITED and line.until is not None:
        words.append(f"until {moment_text(line.until, now_s)}")
    elif line.state is Health.CHALLENGED and line.until is not None:
        when = moment_text(line.until, now_s) if line.until > now_s else "with the next request"
        words.append(f"rests, asked again {when}")
    elif line.state is Health.ENDED and line.expires_at is not None:
        words.append(f"since {moment_text(line.expires_at, now_s)}")
    elif line.state is Health.OK and line.expires_at is not None:
        ends = moment_text(line.expires_at, now_s)
        words.append(f"renewed by itself, next before {ends}" if line.renewable else f"session until {ends}")
    words += [
        f"{name} limited until {moment_text(until, now_s)}" for name, until in line.limited_models.items() if until
    ]
    if line.reason and line.state is not Health.OK:
        words.append(line.reason)
    return words


def moment_text(epoch_s: int, now_s: float) -> str:
    """A time for people: local, with the distance from now."""
    minutes = round((epoch_s - now_s) / 60)
    distance = f"{abs(minutes)} min" if abs(minutes) < 120 else f"{abs(minutes) // 60} h"
    if abs(minutes) >= 72 * 60:
        distance = f"{abs(minutes) // 1440} days"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(epoch_s))
    return f"{when} ({'in ' + distance if minutes >= 0 else distance + ' ago'})"
