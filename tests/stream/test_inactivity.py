"""A connection on which nothing happens has an end, but not while a hook runs."""

import pytest

from addons.stream.inactivity import NEVER, Inactivity


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_so_long_after_the_last_activity(clock: Clock) -> None:
    limit = Inactivity("c1", 600, clock)
    assert (limit.client_id, limit.deadline, limit.ending) == ("c1", 1600, False)
    limit.touched(1100)
    assert limit.deadline == 1700
    ended = []
    for clock.now in (1699.9, 1700.0):
        ended.append(limit.is_over)
    limit.touched(1700)
    assert [*ended, limit.is_over] == [False, True, False], "something has happened since the tick was due"


def test_never_while_a_hook_runs_and_anew_behind_the_last(clock: Clock) -> None:
    limit = Inactivity("c1", 10, clock)
    limit.hook_begun()
    limit.hook_begun()
    limit.touched(1001)
    clock.now = 5000
    assert (limit.deadline, limit.is_over) == (NEVER, False)
    limit.hook_ended()
    assert limit.deadline == NEVER
    limit.hook_ended()
    assert limit.deadline == 5010
