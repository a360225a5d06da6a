"""Who gets a lease of which account, who is told why not, and that no place is ever lost."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.account import Account, ConfiguredAccount
from addons.accounts.availability import AvailabilityRules, Blocked
from addons.accounts.breaker import BreakerRules
from addons.accounts.lease import Lease, NoAccount
from addons.accounts.limiter import LimiterFull, RateLimits
from addons.accounts.pool import AccountPool, build
from addons.accounts.sessions import StoredCredentials
from addons.accounts.state_store import FileStateStore, MemoryStateStore
from addons.tasks import Background
from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials
from providers.contract.steps import Moment
from tests.accounts.renewing import FakeSite
from tests.support.accounts import around, candidates, pool, timed
from tests.support.virtual_time import in_virtual_time, run_virtual

A, B, C = ("p", "a"), ("p", "b"), ("p", "c")
ONE = RateLimits(max_concurrent=1, queue_s=30)
DOWN = ProviderError(ErrorKind.PROVIDER_DOWN, "down")
LIMITED = ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=60)
KEY = VaultKey(raw=b"k" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def names(candidates: Any) -> list[str]:
    return [candidate.account.name for candidate in candidates]


# -- who gets in ------------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_the_first_that_has_room_is_leased_and_the_others_are_left() -> None:
    accounts = timed(dict.fromkeys((A, B, C), ONE))
    first = await accounts.acquire(candidates(accounts))
    assert (first.account.name, names(first.left)) == ("a", ["b", "c"])
    second = await accounts.acquire(candidates(accounts))
    assert (second.account.name, names(second.left)) == ("b", ["a", "c"])
    first.release()
    assert (await accounts.acquire(candidates(accounts))).account.name == "a"


@in_virtual_time
async def test_where_all_are_full_one_waits_in_the_shortest_queue() -> None:
    accounts = timed({A: ONE, B: RateLimits(max_concurrent=2, queue_s=30)})
    held = [await accounts.acquire(candidates(accounts)) for _ in range(3)]
    assert names(lease.candidate for lease in held) == ["a", "b", "b"]
    waits = [asyncio.ensure_future(accounts.acquire(candidates(accounts))) for _ in range(2)]
    await asyncio.sleep(1)
    assert [account.limiter.waiting for account in accounts.all()] == [1, 1]
    held[0].release()
    held[1].release()
    assert sorted(names([(await wait).candidate for wait in waits])) == ["a", "b"]


@in_virtual_time
async def test_who_finds_no_place_in_time_looks_at_the_others() -> None:
    accounts = timed({A: ONE, B: ONE})
    [a, b] = [await accounts.acquire(candidates(accounts)) for _ in range(2)]
    waits = asyncio.ensure_future(accounts.acquire(candidates(accounts)))
    await asyncio.sleep(20)
    b.release()
    await asyncio.sleep(11)
    lease = await waits
    assert lease.account.name == "b"
    [passed] = lease.passed_over
    assert (passed.candidate.account.name, type(passed.why)) == ("a", LimiterFull)
    a.release()


@in_virtual_time
async def test_nobody_is_asked_against_whom_something_stands() -> None:
    accounts = timed([A, B])
    accounts.by_key[A].failed("m", LIMITED)
    lease = await accounts.acquire(candidates(accounts))
    assert lease.account.name == "b"
    [passed] = lease.passed_over
    assert isinstance(passed.why, Blocked)
    assert (passed.candidate.account.name, passed.why.wait_s) == ("a", 60)
    assert names(lease.left) == []


@in_virtual_time
async def test_where_nobody_can_be_asked_it_is_said_why() -> None:
    accounts = timed({A: RateLimits(max_concurrent=1, queue_s=0), B: ONE})
    await accounts.acquire(candidates(accounts)[:1])
    accounts.by_key[B].failed("m", LIMITED)
    with pytest.raises(NoAccount) as none:
        await accounts.acquire(candidates(accounts))
    assert [(one.candidate.account.name, type(one.why)) for one in none.value.passed_over] == [
        ("b", Blocked),
        ("a", LimiterFull),
    ]
    with pytest.raises(NoAccount) as nobody:
        await accounts.acquire([])
    assert not nobody.value.passed_over


@in_virtual_time
async def test_what_comes_to_stand_against_it_in_the_queue_is_said_instead() -> None:
    accounts = timed({A: ONE})
    lease = await accounts.acquire(candidates(accounts))
    waits = asyncio.ensure_future(accounts.acquire(candidates(accounts)))
    await asyncio.sleep(1)
    lease.failed(LIMITED)
    lease.release()
    with pytest.raises(NoAccount) as none:
        await waits
    assert [type(one.why) for one in none.value.passed_over] == [Blocked]
    assert accounts.by_key[A].limiter.load == 0


@in_virtual_time
async def test_a_session_stored_since_ends_a_rest_before_anybody_is_turned_away(folder: Path) -> None:
    vault = Vault.create(folder / "vault.json", KEY, sync=False)
    vault.put(*A, {"token": "one"})
    accounts = pool([A], around(clock=asyncio.get_running_loop().time, vault=vault))
    accounts.by_key[A].failed("m", ProviderError(ErrorKind.CHALLENGE, "prove you are human"))
    with pytest.raises(NoAccount):
        await accounts.acquire(candidates(accounts))
    Vault.open(folder / "vault.json", KEY, sync=False).put(*A, {"token": "another"})
    assert (await accounts.acquire(candidates(accounts))).account.name == "a"


@in_virtual_time
async def test_a_session_stored_anew_is_seen_in_the_accounts_state_without_any_request(folder: Path) -> None:
    vault = Vault.create(folder / "vault.json", KEY, sync=False)
    vault.put(*A, {"token": "one"})
    accounts = pool([A], around(clock=asyncio.get_running_loop().time, vault=vault))
    accounts.by_key[A].failed("m", ProviderError(ErrorKind.CHALLENGE, "prove you are human"))
    Vault.open(folder / "vault.json", KEY, sync=False).put(*A, {"token": "another"})
    await accounts.tend()
    assert (found := accounts.by_key[A].health.state) is not None
    assert (found.health.value, found.reason) == ("ok", "another session was stored")


# -- no place is lost -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(2))
@in_virtual_time
async def test_two_hundred_who_leave_at_any_time_leave_nothing_behind(seed: int) -> None:
    """Cancelled in the queue, with a place, or in the moment it comes; accounts fail and are limited meanwhile."""
    rng = random.Random(seed)
    limits = {A: ONE, B: RateLimits(max_concurrent=2, queue_s=5), C: RateLimits(min_interval_s=0.5, queue_s=9)}
    accounts = timed(limits, AvailabilityRules(breaker=BreakerRules(failures=2, open_s=1, open_max_s=2)))
    got = 0

    async def one() -> None:
        nonlocal got
        lease: Lease | None = None
        try:
            lease = await accounts.acquire(rng.sample(candidates(accounts), 3))
            got += 1
            await asyncio.sleep(rng.choice([0, 0.1, 1, 4]))
            match rng.randrange(4):
                case 0:
                    lease.succeeded()
                case 1:
                    lease.failed(DOWN)
                case 2:
                    lease.failed(ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=0.5))
        except NoAccount:
            pass
        finally:
            if lease is not None:
                lease.release()

    tasks = []
    for _ in range(200):
        tasks.append(asyncio.ensure_future(one()))
        await asyncio.sleep(rng.choice([0, 0, 0.05, 0.3]))
        for task in rng.sample(tasks, 1):
            task.cancel()
    await asyncio.sleep(0)
    for task in rng.sample(tasks, 100):
        task.cancel()
    await asyncio.wait(tasks)
    assert got > 20
    assert [(account.limiter.busy, account.limiter.waiting) for account in accounts.all()] == [(0, 0)] * 3
    assert all(task.cancelled() or task.exception() is None for task in tasks)


# -- a new configuration ----------------------------------------------------------------------------------------------
@in_virtual_time
async def test_requests_of_before_count_at_the_accounts_of_the_new_configuration() -> None:
    before = timed({A: RateLimits(max_concurrent=2), B: ONE})
    old = [await before.acquire(candidates(before)) for _ in range(2)]
    after = pool({A: ONE, C: ONE}, before.around, before)
    assert after.by_key[A].limiter.busy == 2
    waits = asyncio.ensure_future(after.acquire(candidates(after)[:1]))
    await asyncio.sleep(1)
    old[0].release()
    await asyncio.sleep(1)
    assert not waits.done()  # one at a time from now on
    old[1].release()
    assert (await waits).account is after.by_key[A]


@in_virtual_time
async def test_an_account_that_comes_back_after_a_configuration_without_it_begins_anew() -> None:
    first = timed([A, B])
    first.by_key[A].failed("m", LIMITED)
    second = pool([B], first.around, first)
    third = pool([A, B], second.around, second)
    assert third.by_key[A].availability.blocked("m") is None
    assert third.find(*A) is not None
    assert second.find(*A) is None


def test_what_an_earlier_process_recorded_is_taken_up(folder: Path) -> None:

    def started() -> AccountPool:
        store = FileStateStore(folder / "accounts.json", lambda: 1000.0)
        return pool({A: RateLimits(per_day=5), B: ONE}, around(store, lambda: 50.0, lambda: 1000.0))

    first = started()
    lease = run_virtual(first.acquire(candidates(first)[:1]))
    lease.failed(LIMITED)
    lease.release()
    asyncio.run(first.save())
    later = started()
    assert later.by_key[A].limiter.starts_today() == [50.0]
    assert later.by_key[A].availability.blocked("m")
    assert later.by_key[B].availability.blocked("m") is None


@in_virtual_time
async def test_a_configuration_that_is_not_taken_up_changes_nothing() -> None:
    store = MemoryStateStore(lambda: 0.0)
    parts = around(store, asyncio.get_running_loop().time)
    first = pool({A: ONE, B: ONE}, parts)
    first.by_key[B].failed("m", LIMITED)
    settings = [ConfiguredAccount(*A, needs_session=False, limits=RateLimits(max_concurrent=7))]
    something: Any = {"p": None}
    build(settings, something, parts, something, lambda: Moment(0, lambda: "id"), Background(), {}, first)
    assert first.by_key[A].limiter.limits == ONE
    assert store.get(B).state is not None


@in_virtual_time
async def test_a_reset_is_heeded_and_one_of_a_stranger_is_nothing() -> None:
    store = MemoryStateStore(lambda: 0.0)
    accounts = pool([A], around(store, asyncio.get_running_loop().time))
    accounts.by_key[A].failed("m", LIMITED)
    store.reset([A, ("p", "stranger")])
    await accounts.tend()
    assert accounts.by_key[A].availability.blocked("m") is None


@pytest.mark.anyio
async def test_a_renewed_session_of_an_account_that_is_gone_is_written_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault.create(folder / "vault.json", KEY, sync=False)
    vault.put("site", "me", {"token": "a"})
    sites: Any = {"site": FakeSite()}
    parts, runner = around(vault=vault), Any

    def made(settings: list[ConfiguredAccount], before: AccountPool | None = None) -> AccountPool:
        something: Any = runner
        return build(settings, sites, parts, something, lambda: Moment(0, lambda: "id"), Background(), {}, before)

    first = made([ConfiguredAccount("site", "me")])
    account: Account = first.all()[0]
    stored = account.session.stored()
    assert isinstance(stored, StoredCredentials)
    with monkeypatch.context() as patch:
        patch.setattr(Vault, "put", lambda *_, **__: (_ for _ in ()).throw(VaultError("disk full")))
        assert await account.session.store(stored, Credentials(token="b"))
    second = made([], first)
    assert "b" in [known.value for known in parts.vault.secrets()]
    await second.tend()
    assert vault.known["site", "me"].material["token"] == "b"
    assert not parts.vault.unwritten


# -- sessions ---------------------------------------------------------------------------------------------------------
def sites_pool(folder: Path, *stored: str) -> tuple[AccountPool, Vault]:
    """Accounts a and b of the provider `site`, of which these are in the vault."""
    vault = Vault.create(folder / "vault.json", KEY, sync=False)
    for name in stored:
        vault.put("site", name, {"token": name})
    settings, site = [ConfiguredAccount("site", name) for name in "ab"], FakeSite()
    found: Any = {"site": site}
    moment = lambda: Moment(0, lambda: "id")  # noqa: E731
    return build(settings, found, around(vault=vault), found, moment, Background(), {}), vault


@pytest.mark.parametrize(("stored", "serves"), [("", False), ("a", True), ("b", True), ("ab", True)])
def test_a_provider_serves_where_any_session_can_be_read(folder: Path, stored: str, serves: bool) -> None:
    accounts, _ = sites_pool(folder, *stored)
    assert accounts.can_serve("site") is serves
    assert accounts.can_serve("another") is False


def test_an_account_that_is_gone_is_remembered_only_while_its_session_is_renewed() -> None:
    before = pool([A, B])
    assert pool([A], before=before).former == []
    assert pool([A, B], before=before).former == []
