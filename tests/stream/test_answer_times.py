"""When the attempts of a request are due: each time by itself, and what goes before what."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.stream.answer_times import AnswerTimes, Due
from addons.stream.port import Timers

TIMERS = Timers(connect_s=5, first_token_s=60, idle_s=20, total_s=600, keepalive_s=15)


def begun(at: float = 100.0) -> AnswerTimes:
    times = AnswerTimes(at)
    times.attempt_begins(at)
    return times


def due(times: AnswerTimes, now: float, *, speaks: bool = False, whole: bool = False, alive: bool = False) -> Due:
    return times.due(now, TIMERS, speaks=speaks, silent_until_whole=whole, keeps_alive=alive)


@pytest.mark.parametrize(
    ("now", "speaks", "whole", "alive", "expected"),
    [
        (159.9, False, False, False, Due.NOTHING),
        (160, False, False, False, Due.FIRST_TOKEN),
        (119.9, True, False, False, Due.NOTHING),
        (120, True, False, False, Due.IDLE),
        (400, True, True, False, Due.NOTHING),
        (115, False, False, True, Due.KEEPALIVE),
        (115, False, False, False, Due.NOTHING),
        (120, True, False, True, Due.IDLE),
        (700, True, True, True, Due.TOTAL),
    ],
)
def test_each_time_by_itself(now: float, speaks: bool, whole: bool, alive: bool, expected: Due) -> None:
    assert due(begun(), now, speaks=speaks, whole=whole, alive=alive) is expected


def test_what_was_heard_and_said_gives_time_anew() -> None:
    times = begun()
    times.last_heard = times.last_said = 119.0
    assert due(times, 133.9, speaks=True, alive=True) is Due.NOTHING
    assert due(times, 134.0, speaks=True, alive=True) is Due.KEEPALIVE
    assert due(times, 139.0, speaks=True, alive=True) is Due.IDLE


def test_an_answer_that_said_all_is_complete_before_anything_is_late() -> None:
    times = begun()
    times.settles_at = 110.0
    assert due(times, 109.9) is Due.NOTHING
    assert due(times, 1000.0, speaks=True, alive=True) is Due.SETTLE
    times.attempt_begins(200.0)
    assert times.settles_at is None


def test_what_a_person_holds_is_nobodys_time() -> None:
    times = begun()
    times.held(101.0, 1101.0)
    assert (times.began, times.attempt_began, times.last_heard) == (1100.0, 1100.0, 1101.0)
    assert due(times, 1159.9) is Due.NOTHING
    assert due(times, 1160.0) is Due.FIRST_TOKEN


def test_a_connection_that_is_made_is_looked_at_in_time() -> None:
    times = begun()
    times.connect_by = 105.0
    assert times.due_at(TIMERS, committed=False, speaks=False, early_keepalive=False) == 105.0
    times.connect_by = math.inf
    assert times.due_at(TIMERS, committed=False, speaks=False, early_keepalive=False) == 160.0


times_of = st.floats(0, 1000)


@given(times_of, times_of, times_of, st.none() | times_of, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_nothing_is_due_before_it_is_looked(
    began: float, heard: float, said: float, settles: float | None,
    committed: bool, speaks: bool, early: bool, whole: bool,
) -> None:  # fmt: skip
    """What the sweep wakes at is never later than what is then found."""
    times = begun(began)
    times.last_heard, times.last_said, times.settles_at = heard, said, settles
    speaks = speaks or committed
    at = times.due_at(TIMERS, committed=committed, speaks=speaks, early_keepalive=early)
    before = math.nextafter(at, -math.inf)
    found = times.due(before, TIMERS, speaks=speaks, silent_until_whole=whole, keeps_alive=committed or early)
    assert found is Due.NOTHING
