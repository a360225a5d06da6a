"""Who may go in at an account now, and what each answer teaches about it. Checks for humans: test_challenged.py."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.account import Account
from addons.accounts.availability import MODELS_KEPT, AvailabilityRules
from addons.accounts.breaker import BreakerRules
from addons.accounts.cooldown import CooldownRules
from addons.accounts.health import AccountState, Health
from addons.accounts.limiter import DAY_S, LimiterFull, RateLimits
from addons.accounts.state_store import FileStateStore
from providers.contract.errors import ErrorKind, ProviderError
from tests.support.accounts import account, around
from tests.support.virtual_time import run_virtual

A, B = ("p", "a"), ("p", "b")
BEGAN = 1_800_000_000.0


class House:
    """Accounts a and b, and a clock; `time` is both, from another beginning."""

    def __init__(self, folder: Path, rules: AvailabilityRules | None = None, pace: RateLimits | None = None) -> None:
        self.time = 1000.0
        self.file = folder / "accounts.json"
        self.store = FileStateStore(self.file, self.now)
        self.pace = pace or RateLimits()
        self.rules = rules or AvailabilityRules(breaker=BreakerRules(failures=2, open_s=10, open_max_s=40))
        self.a, self.b = self.made(), self.made(key=B)

    def made(
        self, rules: AvailabilityRules | None = None, before: Account | None = None, key: tuple[str, str] = A
    ) -> Account:
        parts = around(self.store, lambda: self.time, self.now, rules or self.rules)
        return account(key, parts, self.pace if key == A else None, before)

    def now(self) -> float:
        return BEGAN + self.time

    def fails(self, kind: ErrorKind, model: str = "m", **more: Any) -> None:
        self.a.failed(model, ProviderError(kind, f"said {kind}", **more))

    def rooms(self) -> tuple[bool, bool]:
        return self.a.limiter.has_room, self.b.limiter.has_room

    def enters(self, model: str = "m") -> object:
        """Goes in, as far as one comes without waiting."""
        return run_virtual(self.a.acquire(model))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# -- limits -----------------------------------------------------------------------------------------------------------
def test_a_limit_of_the_account_holds_for_all_its_models_and_no_other_account(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    for model in ("m", "n"):
        blocked = house.a.availability.blocked(model)
        assert blocked
        assert (blocked.wait_s, blocked.by_breaker, blocked.error.message) == (60, False, "said rate_limited")
        assert blocked.error.kind is ErrorKind.RATE_LIMITED
        assert blocked.error.retry_after_s == 60
    assert house.b.availability.blocked("m") is None
    house.time += 59
    assert house.a.availability.blocked("m")
    house.time += 1
    assert house.a.availability.blocked("m") is None
    noted = house.a.health.state
    assert noted is None or noted.health is not Health.LIMITED


def test_a_limit_of_a_model_holds_for_that_one(house: House) -> None:
    house.fails(ErrorKind.QUOTA, scope="model", retry_after_s=60.0)
    blocked = house.a.availability.blocked("m")
    assert blocked
    assert blocked.error.kind is ErrorKind.QUOTA
    assert house.a.availability.blocked("n") is None
    assert house.a.health.state is None
    house.a.availability.succeeded("n")
    assert house.a.availability.blocked("m")
    assert house.made().availability.blocked("m")
    house.a.availability.succeeded("m")
    assert house.a.availability.blocked("m") is None
    assert house.made().availability.blocked("m") is None  # nor is it for the next process


def test_an_answer_lifts_the_accounts_limit_whatever_the_model(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    house.a.availability.succeeded("n")
    assert house.a.availability.blocked("m") is None


def test_without_cool_downs_a_limit_is_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(cooldown=None))
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    assert house.a.availability.blocked("m") is None
    assert house.a.health.state is None


def test_how_long_a_limit_rests_is_configured_and_may_be_anew(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(cooldown=CooldownRules(base_s=5)))
    house.fails(ErrorKind.RATE_LIMITED)
    blocked = house.a.availability.blocked("m")
    assert blocked
    assert blocked.wait_s == 5
    house.a = house.made(AvailabilityRules(cooldown=CooldownRules(base_s=7)), house.a)
    house.fails(ErrorKind.RATE_LIMITED)
    blocked = house.a.availability.blocked("m")
    assert blocked
    assert blocked.wait_s == 14, "twice: it is the second in a row"


def test_who_is_challenged_is_known_of_all_accounts_together(house: House) -> None:
    together = house.a.availability.challenged
    house.fails(ErrorKind.CHALLENGE)
    assert together == {A}
    house.a.availability.succeeded("m")
    assert together == set()


@pytest.mark.parametrize(("stored_later_s", "rests"), [(-1, True), (0, True), (1, False)])
def test_the_rest_of_an_earlier_process_is_that_of_the_session_of_then(
    house: House, stored_later_s: int, rests: bool
) -> None:
    house.fails(ErrorKind.CHALLENGE)
    noted = house.a.health.state
    assert noted
    after = house.made().availability
    after.recall(noted.since + stored_later_s)
    assert after.is_challenged() is rests


def test_limits_outlive_the_process_until_their_time(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    house.time += 20
    after = house.made()
    blocked = after.availability.blocked("m")
    assert blocked
    assert (round(blocked.wait_s), blocked.error.message) == (40, "said rate_limited")
    house.time += 41
    assert house.made().availability.blocked("m") is None


def test_a_kind_that_says_nothing_of_the_account_changes_nothing(house: House) -> None:
    for kind in (ErrorKind.SESSION_EXPIRED, ErrorKind.MODEL_UNAVAILABLE):
        for _ in range(9):
            house.fails(kind)
    assert house.a.availability.blocked("m") is None
    assert not house.a.availability.is_deferred()


# -- a site that keeps failing ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [ErrorKind.PROVIDER_DOWN, ErrorKind.INCOMPLETE])
def test_a_model_that_keeps_failing_is_left_alone(house: House, kind: ErrorKind) -> None:
    house.fails(kind)
    assert house.a.availability.blocked("m") is None
    house.fails(kind)
    blocked = house.a.availability.blocked("m")
    assert blocked
    assert (blocked.by_breaker, blocked.wait_s, blocked.error.message) == (True, 10, f"said {kind}")
    assert house.a.availability.blocked("n") is None


def test_then_one_is_let_in_to_try_and_the_others_wait_for_it(house: House) -> None:
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.time += 10
    assert house.enters() is None
    assert house.enters()
    assert house.a.limiter.load == 1 / 64 or house.a.limiter.load > 0
    house.a.release("m")  # it told nothing: the next may try
    assert house.enters() is None
    house.a.availability.succeeded("m")
    house.a.release("m")
    assert house.enters() is None
    assert house.enters() is None


def test_who_is_turned_away_at_the_door_takes_no_place(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    assert house.enters()
    assert house.a.limiter.load == 0


def test_without_breakers_it_is_asked_on(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(breaker=None))
    for _ in range(9):
        house.fails(ErrorKind.PROVIDER_DOWN)
    assert house.a.availability.blocked("m") is None


def test_a_site_that_renames_its_models_fills_no_memory(house: House) -> None:
    for number in range(MODELS_KEPT + 1):
        for _ in range(2):
            house.fails(ErrorKind.PROVIDER_DOWN, f"m{number}")
    assert house.a.availability.blocked("m0") is None
    assert house.a.availability.blocked("m1")
    assert house.a.availability.blocked(f"m{MODELS_KEPT}")


# -- places -----------------------------------------------------------------------------------------------------------
def test_places_are_taken_and_given_back(tmp_path: Path) -> None:
    house = House(tmp_path, pace=RateLimits(max_concurrent=1, queue_s=0))
    assert house.rooms() == (True, True)
    assert house.enters() is None
    assert house.rooms() == (False, True)
    with pytest.raises(LimiterFull):
        house.enters()
    house.a.release("m")
    assert house.rooms() == (True, True)


def test_what_comes_to_stand_against_it_while_one_waits_is_given_back(tmp_path: Path) -> None:
    house = House(tmp_path, pace=RateLimits(max_concurrent=1, queue_s=30))

    async def story() -> object:
        assert await house.a.acquire("m") is None
        waits = asyncio.ensure_future(house.a.acquire("m"))
        await asyncio.sleep(0)
        house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
        house.a.release("m")
        return await waits

    assert run_virtual(story())
    assert house.a.limiter.load == 0


def test_a_days_requests_are_remembered_by_the_next_process(tmp_path: Path) -> None:
    house = House(tmp_path, pace=RateLimits(per_day=2, queue_s=0))
    for _ in range(2):
        assert house.enters() is None
        house.a.release("m")
    house.time += 100
    house.a = house.made()
    with pytest.raises(LimiterFull):
        house.enters()
    house.time += DAY_S - 50
    house.a = house.made()
    assert house.enters() is None


def test_without_a_days_limit_nothing_of_the_kind_is_kept(house: House) -> None:
    assert house.enters() is None
    house.a.release("m")
    assert list(house.store.get(A).starts) == []


# -- a new configuration, and a reset by hand -------------------------------------------------------------------------
def test_a_new_configuration_knows_what_the_old_one_knew(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(breaker=BreakerRules(failures=2, open_s=10, open_max_s=10)))
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.RATE_LIMITED, "n", scope="model", retry_after_s=60.0)
    house.pace = RateLimits(max_concurrent=1, queue_s=0)
    assert house.enters("k") is None
    after = house.made(AvailabilityRules(breaker=BreakerRules(failures=9, open_s=99, open_max_s=99)), house.a)
    assert after.availability.blocked("m")
    assert after.availability.blocked("n")
    assert not after.limiter.has_room
    house.time += 10
    house.a = after
    house.fails(ErrorKind.PROVIDER_DOWN)  # the probe: the new rules count
    blocked = after.availability.blocked("m")
    assert blocked
    assert blocked.wait_s == 20


def test_a_new_configuration_without_breakers_closes_them(house: House) -> None:
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    after = house.made(AvailabilityRules(breaker=None), house.a)
    assert after.availability.blocked("m") is None


@pytest.mark.parametrize("busy", [True, False])
def test_a_reset_forgets_all_that_stands_against_an_account_and_no_request(house: House, busy: bool) -> None:
    if busy:
        assert house.enters("k") is None
    house.b.failed("m", ProviderError(ErrorKind.RATE_LIMITED, "b", retry_after_s=60))
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    house.fails(ErrorKind.RATE_LIMITED, "n", scope="model", retry_after_s=60.0)
    house.fails(ErrorKind.CHALLENGE)
    assert house.a.availability.is_deferred()
    house.a.reset()
    assert house.a.availability.blocked("m") is None
    assert house.a.availability.blocked("n") is None
    assert not house.a.availability.is_deferred()
    assert not house.a.availability.is_challenged()
    assert house.b.availability.blocked("m")
    assert bool(house.a.limiter.load) is busy
    if busy:
        house.a.release("k")
        assert house.a.limiter.load == 0


# -- a challenge that does not rest -----------------------------------------------------------------------------------
def test_without_rests_a_challenged_account_is_asked_after_all_others_for_a_minute(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(cooldown=None))
    house.fails(ErrorKind.CHALLENGE)
    assert house.a.availability.blocked("m") is None
    assert house.a.availability.is_deferred()
    noted = house.a.health.state
    assert isinstance(noted, AccountState)
    assert (noted.health, noted.until, noted.reason) == (Health.CHALLENGED, None, "said challenge")
    house.time += 59
    assert house.a.availability.is_deferred()
    house.time += 1
    assert not house.a.availability.is_deferred()
    house.fails(ErrorKind.CHALLENGE)
    house.a.availability.succeeded("m")
    assert not house.a.availability.is_deferred()
