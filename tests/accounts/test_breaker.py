"""When a breaker opens, for how long, and who tries; with a clock of the test's own."""

import pytest

from addons.accounts.breaker import Breaker, BreakerRules


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


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


def test_it_says_how_long_it_is_open_to_the_last_moment(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    failing(breaker, 5)
    clock.now += 9.5
    assert breaker.wait_s() == 0.5
    clock.now += 0.5
    assert breaker.wait_s() == 0
    breaker.begin()
    assert breaker.wait_s() == 1.0, "one tries; the others look again"


def test_successes_are_no_failures(clock: Clock) -> None:
    breaker = Breaker(BreakerRules(), clock)
    for _ in range(20):
        breaker.succeeded()
    breaker.failed()
    assert breaker.closed
