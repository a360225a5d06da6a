"""The moving minute of requests: exact at every edge, whatever limit it gets."""

import random

from addons.keys.minute import MovingMinute


def test_never_more_than_the_limit_and_never_less_while_there_is_demand() -> None:
    minute, rng, taken = MovingMinute(100), random.Random(7), list[float]()
    clients = [rng.random() for _ in range(200)]  # when each asks next
    while (now := min(clients)) < 240:
        at = clients.index(now)
        clients[at] = now + rng.expovariate(2)
        if minute.take(now) is not None:
            taken.append(now)
    ends = [int(when * 1000) for when in taken]
    for at, end in enumerate(ends):
        assert sum(end - 60_000 <= other <= end for other in ends[: at + 1]) <= 100
    assert len(taken) >= 0.98 * 400


def test_the_edge_of_the_window() -> None:
    minute = MovingMinute(2)
    assert [minute.take(now) for now in (0.0, 0.5, 1.0)] == [1, 0, None]
    assert (minute.wait_s(1.0), minute.left(1.0)) == (59.001, 0)
    assert [minute.take(now) for now in (60.0, 60.001, 60.002)] == [None, 0, None]
    assert minute.full_s(60.001) == MovingMinute.whole_s
    assert MovingMinute(2).full_s(0.0) == MovingMinute(2).wait_s(0.0) == 0.0


def test_what_was_counted_stays_under_another_limit() -> None:
    minute = MovingMinute(4)
    assert [minute.take(float(now)) for now in range(4)] == [3, 2, 1, 0]
    less = minute.with_limit(2)
    assert (less.left(10.0), less.wait_s(10.0)) == (0, 52.001)
    assert less.with_limit(5).left(10.0) == 1
