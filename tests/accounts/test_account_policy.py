"""Breaker and cool-downs, with clocks of the test's own."""

import pytest

from addons.accounts.breaker import Breaker, BreakerRules
from addons.accounts.cooldown import CooldownRules, Cooldowns, rest_s
from providers.contract.errors import ErrorKind, ProviderError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


# -- breaker ----------------------------------------------------------------------------------------------------------
def failing(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.begin()
        breaker.failed()


def test_five_failures_in_a_row_open_it(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    failing(breaker, 4)
    assert breaker.wait_s() == 0
    failing(breaker, 1)
    assert breaker.wait_s() == 10


def test_a_success_between_begins_the_row_anew(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    failing(breaker, 4)
    breaker.succeeded()
    failing(breaker, 4)
    assert breaker.wait_s() == 0


def test_half_of_ten_within_a_minute_open_it(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    for _ in range(4):
        breaker.succeeded()
        breaker.failed()
    breaker.succeeded()
    assert breaker.closed
    breaker.failed()
    assert not breaker.closed


def test_old_failures_are_forgotten(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    for _ in range(3):
        breaker.failed()
        breaker.succeeded()
    clock.now += 61
    for _ in range(2):
        breaker.failed()
        breaker.succeeded()
    assert breaker.closed


def test_one_probe_then_closed_again(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    failing(breaker, 5)
    clock.now += 10
    assert breaker.wait_s() == 0
    breaker.begin()
    assert breaker.wait_s() > 0, "only one probe at a time"
    breaker.succeeded()
    assert breaker.closed
    failing(breaker, 5)
    assert breaker.wait_s() == 10, "after a success it opens for the short time again"


def test_failed_probes_double_the_time_up_to_its_limit(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    failing(breaker, 5)
    waits = []
    for _ in range(5):
        clock.now += breaker.wait_s()
        breaker.begin()
        breaker.failed()
        waits.append(breaker.wait_s())
    assert waits == [20, 25, 25, 25, 25], "a site that is well again is found out within half a minute"


def test_a_probe_that_tells_nothing_leaves_the_way_to_the_next(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    failing(breaker, 5)
    clock.now += 30
    breaker.begin()
    breaker.dropped()
    assert breaker.wait_s() == 0


def test_late_failures_of_requests_from_before_do_not_lengthen_it(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    failing(breaker, 5)
    breaker.failed()
    assert breaker.wait_s() == 10


@pytest.mark.parametrize("outage_s", [5, 60, 61, 75, 118, 600, 3600])
@pytest.mark.parametrize("every_s", [1.0, 4.0])
def test_a_site_that_is_well_again_is_found_out_in_half_a_minute(clock: Clock, outage_s: int, every_s: float) -> None:
    """Failover Bench's S15 with the default figures: requests all the time, three attempts each while none answers."""
    breaker = Breaker(BreakerRules(), clock)
    began, asked, requests, answered = clock.now, 0, 0, False
    while not answered:
        requests += 1
        well = clock.now - began >= outage_s
        for _ in range(3):
            if answered or breaker.wait_s() > 0:
                break
            breaker.begin()
            asked += 1
            answered = well
            (breaker.succeeded if well else breaker.failed)()
        clock.now += every_s
    assert clock.now - every_s - began - outage_s <= 30
    assert asked <= max(6, requests)


# -- cool-downs -------------------------------------------------------------------------------------------------------
def limit(named_s: float | None = None, kind: ErrorKind = ErrorKind.RATE_LIMITED) -> ProviderError:
    return ProviderError(kind, "limited", retry_after_s=named_s)


@pytest.mark.parametrize("named_s", [float("nan"), float("inf"), -1.0, 0.0])
@pytest.mark.parametrize("kind", [ErrorKind.RATE_LIMITED, ErrorKind.QUOTA])
def test_a_time_that_is_none_is_none(named_s: float, kind: ErrorKind) -> None:
    assert rest_s(limit(named_s, kind), CooldownRules()) == 15


def test_the_sites_own_time_or_else_doubling(clock: Clock) -> None:
    cooldowns: Cooldowns[str] = Cooldowns(CooldownRules(), clock)
    assert [cooldowns.limited("a", limit()).length_s for _ in range(8)] == [15, 30, 60, 120, 240, 480, 600, 600]
    assert cooldowns.limited("a", limit(300)).length_s == 300
    assert cooldowns.left_s("a") == 300
    assert cooldowns.limited("a", limit(7200)).length_s == 600, "a limit rests an account no longer than max_s"
    assert cooldowns.limited("a", limit(7200, ErrorKind.QUOTA)).length_s == 7200, "an allowance comes back at its time"
    assert cooldowns.limited("a", limit(1e12, ErrorKind.QUOTA)).length_s == 31 * 86_400
    assert cooldowns.limited("a", limit(None, ErrorKind.QUOTA)).length_s == 600
    assert cooldowns.left_s("b") == 0
    cooldowns.lifted("a")
    assert (cooldowns.left_s("a"), cooldowns.limited("a", limit()).length_s) == (0, 15)


def test_a_clock_set_back_does_not_lock_an_account_for_years(clock: Clock) -> None:
    cooldowns: Cooldowns[str] = Cooldowns(CooldownRules(), clock)
    cooldowns.limited("a", limit(60))
    clock.now -= 10**8
    assert cooldowns.left_s("a") == 0
