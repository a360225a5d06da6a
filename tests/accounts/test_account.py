"""One account: what it records of itself, what it tells people, and what a new configuration takes over."""

from pathlib import Path
from typing import Any

import pytest

from addons.accounts.account import Account, ConfiguredAccount
from addons.accounts.account_record import AccountRecord
from addons.accounts.availability import AvailabilityRules
from addons.accounts.health import AccountState, Health
from addons.accounts.limiter import DAY_S, RateLimits
from addons.accounts.report import report
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials
from providers.contract.steps import Moment
from tests.accounts.renewing import FakeSite
from tests.support.accounts import account, around
from tests.support.virtual_time import in_virtual_time

A = ("p", "a")
EXPIRED = ProviderError(ErrorKind.SESSION_EXPIRED, "signed out")
NOW = 1_000_000


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    tmp_path.chmod(0o700)
    return Vault.create(tmp_path / "vault.json", VaultKey(raw=b"k" * 32), sync=False, now=lambda: NOW)


def at_the_site(vault: Vault) -> Account:
    site: Any = FakeSite()
    return Account(ConfiguredAccount("site", "me"), site, around(now=lambda: NOW, vault=vault))


def told(known: Account) -> str:
    [line] = report([known], Moment(NOW * 1000, lambda: "id"))
    return line.state.value


def test_its_names() -> None:
    made = account(A)
    assert (made.provider, made.name, made.key, str(made), repr(made)) == ("p", "a", A, "p/a", "Account(p/a)")


def test_a_refused_session_has_expired_and_none_is_missing() -> None:
    with_one, without = account(A, from_env=Credentials(token="t")), account(("p", "b"))
    states = []
    for one in (with_one, without):
        one.refused(EXPIRED)
        assert one.health.state is not None
        states.append(one.health.state.health)
    assert states == [Health.EXPIRED, Health.MISSING]


def test_what_was_missing_is_there_once_it_is_stored_be_it_in_the_same_second(vault: Vault) -> None:
    made = at_the_site(vault)
    made.refused(EXPIRED)
    assert told(made) == "missing"
    vault.put("site", "me", {"token": f"a:{NOW + 900}"})
    assert told(made) == "ok"


@pytest.mark.parametrize("health", [Health.EXPIRED, Health.CHALLENGED])
def test_what_holds_of_a_session_does_not_hold_of_a_newer_one(vault: Vault, health: Health) -> None:
    made = at_the_site(vault)
    vault.put("site", "me", {"token": f"a:{NOW + 900}"})
    made.health.record(AccountState(health, NOW, None, "x"))
    assert told(made) == health.value
    made.health.record(AccountState(health, NOW - 1, None, "y"))
    assert told(made) == "ok"


def test_that_the_site_knows_it_takes_nothing_back_of_its_answers() -> None:
    made = account(A)
    made.health.record(AccountState(Health.BLOCKED, 1, None, "closed"))
    made.known()
    assert made.health.state == AccountState(Health.BLOCKED, 1, None, "closed")
    made.health.record(AccountState(Health.EXPIRED, 1, None, "x"))
    made.known()
    assert made.health.state is not None
    assert made.health.state.health is Health.OK


def test_a_limit_that_a_renewal_meets_is_recorded_where_no_account_rests() -> None:
    made = account(A, around(rules=AvailabilityRules(cooldown=None)))
    made.refused(ProviderError(ErrorKind.RATE_LIMITED, "x", retry_after_s=60))
    assert made.health.state == AccountState(Health.LIMITED, 0, 60, "x")
    assert made.availability.blocked("m") is None


@in_virtual_time
async def test_starts_are_recorded_where_their_number_is_limited() -> None:
    made = account(A, around(clock=lambda: 100.0, now=lambda: 5000.0), RateLimits(per_day=3))
    await made.acquire("m")
    made.release("m")
    kept = made._around.store
    assert list(kept.get(A).starts) == [5000.0]
    later = account(A, around(kept, clock=lambda: 7.0, now=lambda: 5001.0), RateLimits(per_day=3))
    assert later.limiter.starts_today() == [6.0]
    much_later = account(A, around(kept, clock=lambda: 7.0, now=lambda: 5000 + DAY_S), RateLimits(per_day=3))
    assert much_later.limiter.starts_today() == []


def test_a_new_configuration_shares_what_is_known_and_has_its_own_figures() -> None:
    parts = around()
    before = account(A, parts, RateLimits(max_concurrent=2))
    after = account(
        A, around(parts.store, rules=AvailabilityRules(cooldown=None)), RateLimits(max_concurrent=9), before
    )
    assert (after.limiter, after.renewal, after.availability) == (before.limiter, before.renewal, before.availability)
    assert after.limiter.limits.max_concurrent == 9
    after.failed("m", ProviderError(ErrorKind.RATE_LIMITED, "x", retry_after_s=60))
    assert before.availability.blocked("m") is None  # no account rests any more


@in_virtual_time
async def test_a_new_configuration_counts_no_start_twice() -> None:
    parts = around(clock=lambda: 100.0, now=lambda: 5000.0)
    before = account(A, parts, RateLimits(per_day=3))
    await before.acquire("m")
    before.release("m")
    assert account(A, parts, RateLimits(per_day=3), before).limiter.starts_today() == [100.0]


def test_a_record_of_a_model_that_was_not_limited_stops_no_start() -> None:
    parts = around()
    parts.store.put(A, AccountRecord(None, {"m": AccountState(Health.OK, 1), "n": AccountState(Health.LIMITED, 0, 50)}))
    made = account(A, parts)
    assert (made.availability.blocked("m"), bool(made.availability.blocked("n"))) == (None, True)


def test_a_reset_forgets_what_its_site_said_of_the_session() -> None:
    made = account(A)
    made.renewal.failed_at, made.renewal.proven_at = 5.0, 5.0
    made.failed("m", ProviderError(ErrorKind.CHALLENGE, "x"))
    made.reset()
    assert (made.renewal.dead, made.renewal.proven, made.renewal.failed_at) == (None, None, -1e9)
    assert made.availability.blocked("m") is None
