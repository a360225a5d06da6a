"""Who may go in at an account now, and what each answer teaches about it. Checks for humans: test_challenged.py."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.availability import MODELS_KEPT, AccountAvailability, AvailabilityRules
from addons.accounts.breaker import BreakerRules
from addons.accounts.health import AccountState, Health
from addons.accounts.limiter import DAY_S, LimiterFull, RateLimits
from addons.accounts.state_file import AccountStateFile
from providers.contract.errors import ErrorKind, ProviderError
from tests.support.virtual_time import run_virtual

A, B = ("p", "a"), ("p", "b")
BEGAN = 1_800_000_000.0


class House:
    """Accounts a and b, and a clock; `time` is both, from another beginning."""

    def __init__(self, folder: Path, rules: AvailabilityRules | None = None, pace: RateLimits | None = None) -> None:
        self.time = 1000.0
        self.file = folder / "accounts.json"
        self.book = AccountStateFile(self.file, self.now)
        self.sessions: dict[Any, object] = {}
        self.paces: Mapping[Any, RateLimits] = {A: pace or RateLimits(), B: RateLimits()}
        self.rules = rules or AvailabilityRules(breaker=BreakerRules(failures=2, open_s=10, open_max_s=40))
        self.traffic = self.made()

    def made(self, rules: AvailabilityRules | None = None) -> AccountAvailability:
        return AccountAvailability(
            self.paces, rules or self.rules, self.book, lambda: self.time, self.now, self.sessions.get
        )

    def now(self) -> float:
        return BEGAN + self.time

    def fails(self, kind: ErrorKind, model: str = "m", **more: Any) -> None:
        self.traffic.failed(A, model, ProviderError(kind, f"said {kind}", **more))

    def enters(self, model: str = "m") -> object:
        """Goes in, as far as one comes without waiting."""
        return run_virtual(self.traffic.enter(A, model))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# -- limits -----------------------------------------------------------------------------------------------------------
def test_a_limit_of_the_account_holds_for_all_its_models_and_no_other_account(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    for model in ("m", "n"):
        blocked = house.traffic.blocked(A, model)
        assert blocked
        assert (blocked.wait_s, blocked.by_breaker, blocked.error.message) == (60, False, "said rate_limited")
        assert blocked.error.kind is ErrorKind.RATE_LIMITED
        assert blocked.error.retry_after_s == 60
    assert house.traffic.blocked(B, "m") is None
    house.time += 59
    assert house.traffic.blocked(A, "m")
    house.time += 1
    assert house.traffic.blocked(A, "m") is None
    noted = house.book.state(A)
    assert noted is None or noted.health is not Health.LIMITED


def test_a_limit_of_a_model_holds_for_that_one(house: House) -> None:
    house.fails(ErrorKind.QUOTA, scope="model", retry_after_s=60.0)
    blocked = house.traffic.blocked(A, "m")
    assert blocked
    assert blocked.error.kind is ErrorKind.QUOTA
    assert house.traffic.blocked(A, "n") is None
    assert house.book.state(A) is None
    house.traffic.succeeded(A, "n")
    assert house.traffic.blocked(A, "m")
    assert house.made().blocked(A, "m")
    house.traffic.succeeded(A, "m")
    assert house.traffic.blocked(A, "m") is None
    assert house.made().blocked(A, "m") is None  # nor is it for the next process


def test_an_answer_lifts_the_accounts_limit_whatever_the_model(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    house.traffic.succeeded(A, "n")
    assert house.traffic.blocked(A, "m") is None


def test_without_cool_downs_a_limit_is_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(cooldown=None))
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    assert house.traffic.blocked(A, "m") is None
    assert house.book.state(A) is None


def test_limits_outlive_the_process_until_their_time(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    house.time += 20
    after = house.made()
    blocked = after.blocked(A, "m")
    assert blocked
    assert (round(blocked.wait_s), blocked.error.message) == (40, "said rate_limited")
    house.time += 41
    assert house.made().blocked(A, "m") is None


def test_a_kind_that_says_nothing_of_the_account_changes_nothing(house: House) -> None:
    for kind in (ErrorKind.SESSION_EXPIRED, ErrorKind.MODEL_UNAVAILABLE):
        for _ in range(9):
            house.fails(kind)
    assert house.traffic.blocked(A, "m") is None
    assert not house.traffic.shunned(A)


# -- a site that keeps failing ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [ErrorKind.PROVIDER_DOWN, ErrorKind.INCOMPLETE])
def test_a_model_that_keeps_failing_is_left_alone(house: House, kind: ErrorKind) -> None:
    house.fails(kind)
    assert house.traffic.blocked(A, "m") is None
    house.fails(kind)
    blocked = house.traffic.blocked(A, "m")
    assert blocked
    assert (blocked.by_breaker, blocked.wait_s, blocked.error.message) == (True, 10, f"said {kind}")
    assert house.traffic.blocked(A, "n") is None


def test_then_one_is_let_in_to_try_and_the_others_wait_for_it(house: House) -> None:
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.time += 10
    assert house.enters() is None
    assert house.enters()
    assert house.traffic.load(A) == 1 / 64 or house.traffic.load(A) > 0
    house.traffic.leave(A, "m")  # it told nothing: the next may try
    assert house.enters() is None
    house.traffic.succeeded(A, "m")
    house.traffic.leave(A, "m")
    assert house.enters() is None
    assert house.enters() is None


def test_who_is_turned_away_at_the_door_takes_no_place(house: House) -> None:
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    assert house.enters()
    assert house.traffic.load(A) == 0


def test_without_breakers_it_is_asked_on(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(breaker=None))
    for _ in range(9):
        house.fails(ErrorKind.PROVIDER_DOWN)
    assert house.traffic.blocked(A, "m") is None


def test_a_site_that_renames_its_models_fills_no_memory(house: House) -> None:
    for number in range(MODELS_KEPT + 1):
        for _ in range(2):
            house.fails(ErrorKind.PROVIDER_DOWN, f"m{number}")
    assert house.traffic.blocked(A, "m0") is None
    assert house.traffic.blocked(A, "m1")
    assert house.traffic.blocked(A, f"m{MODELS_KEPT}")


# -- places -----------------------------------------------------------------------------------------------------------
def test_places_are_taken_and_given_back(tmp_path: Path) -> None:
    house = House(tmp_path, pace=RateLimits(max_concurrent=1, queue_s=0))
    assert house.traffic.has_room(A)
    assert house.enters() is None
    assert not house.traffic.has_room(A)
    assert house.traffic.has_room(B)
    with pytest.raises(LimiterFull):
        house.enters()
    house.traffic.leave(A, "m")
    assert house.traffic.has_room(A)


def test_what_comes_to_stand_against_it_while_one_waits_is_given_back(tmp_path: Path) -> None:
    house = House(tmp_path, pace=RateLimits(max_concurrent=1, queue_s=30))

    async def story() -> object:
        assert await house.traffic.enter(A, "m") is None
        waits = asyncio.ensure_future(house.traffic.enter(A, "m"))
        await asyncio.sleep(0)
        house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
        house.traffic.leave(A, "m")
        return await waits

    assert run_virtual(story())
    assert house.traffic.load(A) == 0


def test_a_days_requests_are_remembered_by_the_next_process(tmp_path: Path) -> None:
    house = House(tmp_path, pace=RateLimits(per_day=2, queue_s=0))
    for _ in range(2):
        assert house.enters() is None
        house.traffic.leave(A, "m")
    house.time += 100
    house.traffic = house.made()
    with pytest.raises(LimiterFull):
        house.enters()
    house.time += DAY_S - 50
    house.traffic = house.made()
    assert house.enters() is None


def test_without_a_days_limit_nothing_of_the_kind_is_kept(house: House) -> None:
    assert house.enters() is None
    house.traffic.leave(A, "m")
    assert list(house.book.starts(A)) == []


# -- a new configuration, and a reset by hand -------------------------------------------------------------------------
def test_a_new_configuration_knows_what_the_old_one_knew(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(breaker=BreakerRules(failures=2, open_s=10, open_max_s=10)))
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.RATE_LIMITED, "n", scope="model", retry_after_s=60.0)
    house.paces = {A: RateLimits(max_concurrent=1, queue_s=0)}
    assert house.enters("k") is None
    after = house.made(AvailabilityRules(breaker=BreakerRules(failures=9, open_s=99, open_max_s=99)))
    after.adopt(house.traffic)
    assert after.blocked(A, "m")
    assert after.blocked(A, "n")
    assert not after.has_room(A)
    house.time += 10
    house.traffic = after
    house.fails(ErrorKind.PROVIDER_DOWN)  # the probe: the new rules count
    blocked = after.blocked(A, "m")
    assert blocked
    assert blocked.wait_s == 20


def test_a_new_configuration_without_breakers_closes_them(house: House) -> None:
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    after = house.made(AvailabilityRules(breaker=None))
    after.adopt(house.traffic)
    assert after.blocked(A, "m") is None


def test_an_account_that_is_not_in_the_configuration_any_more_is_forgotten(house: House) -> None:
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.paces = {B: RateLimits()}
    after = house.made()
    after.adopt(house.traffic)
    assert after.blocked(A, "m") is None


@pytest.mark.parametrize("busy", [True, False])
def test_a_reset_forgets_all_that_stands_against_an_account_and_no_request(house: House, busy: bool) -> None:
    if busy:
        assert house.enters("k") is None
    house.traffic.failed(B, "m", ProviderError(ErrorKind.RATE_LIMITED, "b", retry_after_s=60))
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.PROVIDER_DOWN)
    house.fails(ErrorKind.RATE_LIMITED, retry_after_s=60.0)
    house.fails(ErrorKind.RATE_LIMITED, "n", scope="model", retry_after_s=60.0)
    house.fails(ErrorKind.CHALLENGE)
    assert house.traffic.shunned(A)
    house.traffic.reset(A)
    assert house.traffic.blocked(A, "m") is None
    assert house.traffic.blocked(A, "n") is None
    assert not house.traffic.shunned(A)
    assert not house.traffic.challenged(A)
    assert house.traffic.blocked(B, "m")
    assert bool(house.traffic.load(A)) is busy
    if busy:
        house.traffic.leave(A, "k")
        assert house.traffic.load(A) == 0


# -- a challenge that does not rest -----------------------------------------------------------------------------------
def test_without_rests_a_challenged_account_is_asked_after_all_others_for_a_minute(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(cooldown=None))
    house.fails(ErrorKind.CHALLENGE)
    assert house.traffic.blocked(A, "m") is None
    assert house.traffic.shunned(A)
    noted = house.book.state(A)
    assert isinstance(noted, AccountState)
    assert (noted.health, noted.until, noted.reason) == (Health.CHALLENGED, None, "said challenge")
    house.time += 59
    assert house.traffic.shunned(A)
    house.time += 2
    assert not house.traffic.shunned(A)
    house.fails(ErrorKind.CHALLENGE)
    house.traffic.succeeded(A, "m")
    assert not house.traffic.shunned(A)
