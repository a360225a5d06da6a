"""Accounts with a store of the test's own, where no provider is asked."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from addons.accounts.account import Account, ConfiguredAccount, Surroundings
from addons.accounts.account_health import AccountHealth
from addons.accounts.account_record import AccountId
from addons.accounts.availability import AvailabilityRules
from addons.accounts.lease import Candidate
from addons.accounts.limiter import RateLimits
from addons.accounts.pool import AccountPool, build
from addons.accounts.sessions import SessionVault
from addons.accounts.state_store import FileStateStore, MemoryStateStore, StateStore
from addons.tasks import Background
from addons.vault.store import Vault
from providers.contract.provider import Model
from providers.contract.session import Credentials
from providers.contract.steps import Moment

MODEL: Final = Model("m", "m")
NOBODY: Any = None
"""The provider of accounts whose sessions are not read."""


def saved(store: FileStateStore) -> None:
    """Writes the file, and waits for it."""
    store.write(store.unsaved())


def health_in(store: StateStore, key: AccountId, now: Callable[[], float] = lambda: 0.0) -> AccountHealth:
    return AccountHealth(key, store, now)


def health_of(file: Path, key: AccountId, now: Callable[[], float] = lambda: 0.0) -> AccountHealth:
    """As a file says it now."""
    return health_in(FileStateStore(file, now), key, now)


def around(
    store: StateStore | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    now: Callable[[], float] | None = None,
    rules: AvailabilityRules | None = None,
    vault: Vault | None = None,
) -> Surroundings:
    at = now or clock
    return Surroundings(SessionVault(vault), store or MemoryStateStore(at), clock, at, rules or AvailabilityRules())


def account(
    key: AccountId,
    surroundings: Surroundings | None = None,
    limits: RateLimits | None = None,
    before: Account | None = None,
    from_env: Credentials | None = None,
) -> Account:
    settings = ConfiguredAccount(key[0], key[1], limits=limits or RateLimits())
    made = Account(settings, NOBODY, surroundings or around(), from_env, before)
    made.start()
    return made


def candidates(accounts: AccountPool) -> list[Candidate]:
    """All of a pool's, for MODEL."""
    return [Candidate(account, MODEL) for account in accounts.all()]


def timed(
    limits: Mapping[AccountId, RateLimits] | Collection[AccountId], rules: AvailabilityRules | None = None
) -> AccountPool:
    """A pool that tells the time by the running loop."""
    return pool(limits, around(clock=asyncio.get_running_loop().time, rules=rules))


def pool(
    limits: Mapping[AccountId, RateLimits] | Collection[AccountId],
    surroundings: Surroundings | None = None,
    before: AccountPool | None = None,
) -> AccountPool:
    """A pool of accounts that want no session."""
    found = limits if isinstance(limits, Mapping) else dict.fromkeys(limits, RateLimits())
    settings: Sequence[ConfiguredAccount] = [ConfiguredAccount(p, a, False, one) for (p, a), one in found.items()]
    providers: dict[str, Any] = {one.provider: NOBODY for one in settings}
    parts = surroundings or around()
    made = build(
        settings,
        providers,
        parts,
        NOBODY,
        lambda: Moment(int(parts.now() * 1000), lambda: "id"),
        Background(),
        {},
        before,
    )
    made.start()
    return made
