"""Whose word old requests are deleted on: a clock that has jumped is not believed at once."""

import pytest

from addons.usage.retention import DAY_S, Retention, SteadyClock
from tests.usage.rows import NOW

YEAR_S = 365 * DAY_S


def ms(days_ago: float) -> int:
    return round((NOW - days_ago * DAY_S) * 1000)


@pytest.mark.parametrize(
    ("days", "newest", "believed"),
    [
        pytest.param(400, 1, True, id="asked yesterday"),
        pytest.param(400, 31, True, id="asked within a month"),
        pytest.param(400, 40, False, id="not asked for longer"),
        pytest.param(400, 12_000, False, id="decades ahead"),
        pytest.param(7, 4, True, id="a short retention, asked within its half"),
        pytest.param(7, 6, False, id="a short retention, not asked for longer"),
        pytest.param(0.1, 0.12, True, id="hours alone"),
        pytest.param(0.1, 0.2, False, id="hours alone, not asked for longer"),
    ],
)
def test_a_clock_is_believed_that_is_near_what_the_ledger_has(days: float, newest: float, believed: bool) -> None:
    assert Retention(NOW, days * DAY_S).believes(ms(newest)) is believed
    assert Retention(NOW, days * DAY_S, steady=True).believes(ms(newest))


def test_requests_of_today_do_not_speak_for_the_clock() -> None:
    """They may have been written by the same wrong one."""
    due = Retention(NOW, 400 * DAY_S)
    assert (due.before_ms, due.known_ms) == (ms(400), ms(1))
    assert Retention(NOW, DAY_S / 4).known_ms == ms(0.25)


def test_a_clock_that_is_set_starts_anew() -> None:
    clock = SteadyClock()
    assert clock.steady_s(NOW, 5) == 0
    assert clock.steady_s(NOW + 100, 105) == 100
    assert clock.steady_s(NOW + 100 + 3000, 205) == 200, "set right by some minutes"
    assert clock.steady_s(NOW + YEAR_S, 300) == 0
    assert clock.steady_s(NOW + YEAR_S + 50, 350) == 50
    assert clock.steady_s(NOW + 400, 400) == 0
