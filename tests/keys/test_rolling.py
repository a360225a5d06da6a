"""The sum over 24 hours."""

from hypothesis import given
from hypothesis import strategies as st

from addons.keys.rolling import DAY_S, RollingDay


@given(st.lists(st.tuples(st.floats(0, 3 * DAY_S), st.integers(0, 1000)), max_size=60), st.floats(0, DAY_S))
def test_it_is_never_less_than_what_was_used_in_a_day(added: list[tuple[float, int]], later: float) -> None:
    day, added = RollingDay(), sorted(added)
    for at, amount in added:
        day.add(at, amount)
    now = (added[-1][0] if added else 0.0) + later
    exact = sum(amount for at, amount in added if at > now - DAY_S)
    assert exact <= day.total(now) <= sum(amount for at, amount in added if at > now - DAY_S - 60)


def test_how_long_until_there_is_room() -> None:
    day = RollingDay()
    day.add(0.0, 10)
    day.add(3600.0, 20)
    assert day.wait_s(4000.0, 30) == 0.0
    assert day.wait_s(4000.0, 20) == DAY_S + 60 - 4000
    assert day.wait_s(4000.0, 0) == DAY_S + 3660 - 4000
    assert day.wait_s(4000.0, -1) is None
    assert day.empty_s(4000.0) == DAY_S + 3660 - 4000
    assert day.total(DAY_S + 60.0) == 20
    assert (day.empty_s(DAY_S + 3660.0), day.total(DAY_S + 3660.0)) == (0.0, 0)
    day.add(DAY_S + 3660.0, 5)
    assert (day.total(2 * DAY_S), day.total(3 * DAY_S)) == (5, 0)


def test_what_was_used_before_the_start() -> None:
    day = RollingDay()
    for age_s in (80_000.0, 100.0):
        day.add(5.0, 7, age_s)
    assert day.total(5.0) == 14
    assert day.total(10_000.0) == 7


def test_it_is_small_however_much_is_added() -> None:
    day = RollingDay()
    for second in range(0, 3 * DAY_S, 7):
        day.add(float(second), 1)
        day.total(float(second))
    assert len(day._steps) <= 1442
