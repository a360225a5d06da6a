"""The way into an account: room, order, pace and the limit of waiting, in virtual time."""

import asyncio
from typing import Any

import pytest

from addons.accounts.limiter import AccountLimiter, LimiterFull, RateLimits
from tests.support.virtual_time import run_virtual


def stile(**pace: Any) -> AccountLimiter:
    return AccountLimiter(RateLimits(**pace), asyncio.get_running_loop().time)


def test_so_many_at_once_and_the_rest_in_order_of_arrival() -> None:
    async def work() -> None:
        gate, order = stile(max_concurrent=2), []

        async def request(number: int) -> None:
            await gate.acquire()
            order.append((number, asyncio.get_running_loop().time()))
            assert gate.busy <= 2
            await asyncio.sleep(1)
            gate.release()

        await asyncio.gather(*(request(number) for number in range(6)))
        assert order == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]
        assert (gate.busy, gate.waiting) == (0, 0)

    run_virtual(work())


def test_nobody_overtakes_those_who_wait() -> None:
    async def work() -> None:
        gate = stile(max_concurrent=1)
        await gate.acquire()
        first = asyncio.ensure_future(gate.acquire())
        await asyncio.sleep(0)
        gate.release()
        assert gate.busy == 1, "the turn is given, not free for the taking"
        second = asyncio.ensure_future(gate.acquire())
        await asyncio.sleep(0)
        assert (first.done(), second.done()) == (True, False)
        gate.release()
        await second

    run_virtual(work())


def test_waiting_has_an_end() -> None:
    async def work() -> None:
        gate, loop = stile(max_concurrent=1, queue_s=30), asyncio.get_running_loop()
        await gate.acquire()
        with pytest.raises(LimiterFull) as caught:
            await gate.acquire()
        assert (loop.time(), caught.value.retry_after_s, gate.waiting) == (30, None, 0)
        gate.release()
        await gate.acquire()
        assert gate.busy == 1

    run_virtual(work())


def test_no_waiting_at_all() -> None:
    async def work() -> None:
        gate = stile(max_concurrent=1, queue_s=0)
        await gate.acquire()
        with pytest.raises(LimiterFull):
            await gate.acquire()
        assert asyncio.get_running_loop().time() == 0

    run_virtual(work())


def test_one_who_leaves_the_line_is_no_loss() -> None:
    async def work() -> None:
        gate = stile(max_concurrent=1)
        await gate.acquire()
        gone, stays = asyncio.ensure_future(gate.acquire()), asyncio.ensure_future(gate.acquire())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        gate.release()
        await stays
        gate.release()
        assert (gate.busy, gate.waiting) == (0, 0)

    run_virtual(work())


def test_a_turn_given_to_one_who_just_left_goes_to_the_next() -> None:
    async def work() -> None:
        gate = stile(max_concurrent=1)
        await gate.acquire()
        gone, stays = asyncio.ensure_future(gate.acquire()), asyncio.ensure_future(gate.acquire())
        await asyncio.sleep(0)
        gate.release()  # the turn is `gone`'s now …
        gone.cancel()  # … who is cancelled before it runs
        await stays
        assert gate.busy == 1

    run_virtual(work())


@pytest.mark.parametrize("interval_s", [2, 0.5])
def test_starts_keep_their_distance(interval_s: float) -> None:
    async def work() -> None:
        gate, loop, starts = stile(max_concurrent=5, min_interval_s=interval_s), asyncio.get_running_loop(), []

        async def request() -> None:
            await gate.acquire()
            starts.append(loop.time())
            gate.release()

        await asyncio.gather(*(request() for _ in range(4)))
        assert starts == [number * interval_s for number in range(4)]

    run_virtual(work())


def test_so_many_a_minute() -> None:
    async def work() -> None:
        gate, loop = stile(max_concurrent=9, per_minute=2, queue_s=100), asyncio.get_running_loop()
        starts = []
        for _ in range(5):
            await gate.acquire()
            starts.append(loop.time())
            gate.release()
        assert starts == [0, 0, 60, 60, 120]

    run_virtual(work())


def test_a_pace_that_cannot_be_met_in_time_is_said_at_once_with_the_time() -> None:
    async def work() -> None:
        gate = stile(per_day=1)
        await gate.acquire()
        gate.release()
        await asyncio.sleep(100)
        with pytest.raises(LimiterFull) as caught:
            await gate.acquire()
        assert caught.value.retry_after_s == 86_300

    run_virtual(work())


def test_starts_of_an_earlier_process_count() -> None:
    async def work() -> None:
        gate = stile(per_day=2)
        gate.remember([-90_000.0, -100.0])
        assert gate.starts_today() == [-100.0]
        await gate.acquire()
        gate.release()
        with pytest.raises(LimiterFull):
            await gate.acquire()

    run_virtual(work())


def test_one_who_leaves_the_line_stands_in_it_no_more() -> None:
    async def work() -> None:
        gate = stile(max_concurrent=1)
        await gate.acquire()
        gone = asyncio.ensure_future(gate.acquire())
        await asyncio.sleep(0)
        assert (gate.waiting, gate.load) == (1, 2)
        gone.cancel()
        await asyncio.sleep(0)
        assert (gate.waiting, gate.load) == (0, 1)

    run_virtual(work())


@pytest.mark.parametrize(("queue_s", "gets_in"), [(0.5, True), (0.2, False)])
def test_who_may_wait_but_a_moment_waits_that(queue_s: float, gets_in: bool) -> None:
    async def work() -> None:
        gate = stile(max_concurrent=1, queue_s=queue_s)
        await gate.acquire()
        asyncio.get_running_loop().call_later(0.3, gate.release)
        if gets_in:
            await gate.acquire()
        else:
            with pytest.raises(LimiterFull):
                await gate.acquire()
        assert asyncio.get_running_loop().time() == pytest.approx(min(queue_s, 0.3))

    run_virtual(work())


@pytest.mark.parametrize(("interval_s", "gets_in"), [(29, True), (31, False)])
def test_a_pause_no_longer_than_the_wait_is_waited(interval_s: float, gets_in: bool) -> None:
    async def work() -> None:
        gate = stile(max_concurrent=5, queue_s=30, min_interval_s=interval_s)
        await gate.acquire()
        if gets_in:
            await gate.acquire()
            assert asyncio.get_running_loop().time() == 29
        else:
            with pytest.raises(LimiterFull) as caught:
                await gate.acquire()
            assert (asyncio.get_running_loop().time(), caught.value.retry_after_s) == (0, 31)

    run_virtual(work())


def test_of_starts_no_more_is_kept_than_the_limits_need() -> None:
    async def work() -> None:
        for pace, kept in (({}, 1), ({"per_minute": 1000}, 60), ({"per_day": 1000}, 100)):
            gate = stile(**pace)
            for _ in range(100):
                await gate.acquire()
                gate.release()
                await asyncio.sleep(1)
            assert len(gate._starts) == pytest.approx(kept, abs=1)

    run_virtual(work())
