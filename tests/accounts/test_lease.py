"""A lease: what its account learns through it, whose session it gives, and that it is given back once."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from addons.accounts.availability import AvailabilityRules
from addons.accounts.breaker import BreakerRules
from addons.accounts.limiter import RateLimits
from providers.contract.errors import ErrorKind, ProviderError
from tests.accounts.renewing import START, House, renewed
from tests.support.accounts import candidates, pool, timed
from tests.support.virtual_time import in_virtual_time

A = ("p", "a")
DOWN = ProviderError(ErrorKind.PROVIDER_DOWN, "down")
LIMITED = ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=60)
EXPIRED = ProviderError(ErrorKind.SESSION_EXPIRED, "signed out")
CHECK = ProviderError(ErrorKind.CHALLENGE, "prove you are human")


def test_a_candidate_is_named_with_its_model() -> None:
    [candidate] = candidates(pool([A]))
    assert (candidate.key, candidate.named) == (A, ("m", "p", "a"))


@in_virtual_time
async def test_a_lease_is_given_back_once_however_often() -> None:
    accounts = timed({A: RateLimits(max_concurrent=2)})
    one, two = [await accounts.acquire(candidates(accounts)) for _ in range(2)]
    for _ in range(3):
        one.release()
    assert accounts.by_key[A].limiter.busy == 1
    two.release()
    assert accounts.by_key[A].limiter.busy == 0


@in_virtual_time
async def test_an_answer_is_good_news_of_account_and_model() -> None:
    accounts = timed([A], AvailabilityRules(breaker=BreakerRules(failures=2)))
    for _ in range(3):
        lease = await accounts.acquire(candidates(accounts))
        lease.failed(DOWN)
        lease.succeeded()
        lease.release()
    assert accounts.by_key[A].availability.blocked("m") is None
    assert (found := accounts.by_key[A].health.state) is not None
    assert found.health.value == "ok"


@pytest.mark.parametrize(
    ("error", "health"),
    [
        (ProviderError(ErrorKind.ACCOUNT_BLOCKED, "closed"), "blocked"),
        (ProviderError(ErrorKind.CHALLENGE, "human?"), "challenged"),
        (LIMITED, "limited"),
        (ProviderError(ErrorKind.BAD_REQUEST, "bad"), None),
        (ProviderError(ErrorKind.TOO_LONG, "long"), None),
        (ProviderError(ErrorKind.CONTENT_FILTERED, "no"), None),
        (DOWN, None),
    ],
)
@in_virtual_time
async def test_a_failure_is_bad_news_where_it_says_something_of_the_account(
    error: ProviderError, health: str | None
) -> None:
    accounts = timed([A])
    lease = await accounts.acquire(candidates(accounts))
    lease.failed(error)
    lease.release()
    state = accounts.by_key[A].health.state
    assert (state.health.value if state else None) == health


@in_virtual_time
async def test_nobody_waits_for_the_end_of_an_answer_that_a_rested_account_has_begun() -> None:
    accounts = timed([A])
    accounts.by_key[A].failed("m", CHECK)
    await asyncio.sleep(301)
    lease = await accounts.acquire(candidates(accounts))
    assert accounts.by_key[A].availability.blocked("m")
    lease.answering()
    assert accounts.by_key[A].availability.blocked("m") is None


# -- its session ------------------------------------------------------------------------------------------------------
@pytest.fixture
def make(tmp_path: Path) -> Callable[..., House]:
    tmp_path.chmod(0o700)
    return lambda token: House(tmp_path, {"token": token, "cookies": {"refresh": "r1"}})


@pytest.mark.anyio
async def test_its_session_is_renewed_if_need_be_and_another_comes_for_one_that_is_refused(
    make: Callable[..., House],
) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [renewed(START + 900)]
    lease = await house.pool.acquire(candidates(house.pool))
    session = await lease.session()
    assert session.expires_at == START + 900
    house.clock_s += 3600
    house.site.answers = [renewed(START + 1800)]
    assert (await lease.rejected(session, EXPIRED)).expires_at == START + 1800
    lease.handed_out(session, {"refresh": "r9"})
    await house.pool.close()
    assert house.stored["cookies"] == {"refresh": "r9"}


@pytest.mark.anyio
async def test_a_check_for_humans_that_its_renewal_meets_makes_the_account_rest(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [CHECK]
    lease = await house.pool.acquire(candidates(house.pool))
    with pytest.raises(ProviderError, match="human"):
        await lease.session()
    lease.release()
    assert house.account.availability.is_challenged()
