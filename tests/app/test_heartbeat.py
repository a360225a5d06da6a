"""Background loops: a fault ends none of them, and none stops in silence. In virtual time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from addons.app.heartbeat import PATIENCE_S, Heartbeat
from tests.support.virtual_time import run_virtual


def with_heart(work: Callable[[Heartbeat], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        heart = Heartbeat(asyncio.get_running_loop().time)
        try:
            await work(heart)
        finally:
            heart.stop()

    run_virtual(run())


@pytest.mark.parametrize("pause_s", [0.1, 2.0])
def test_a_step_is_done_again_and_again(pause_s: float) -> None:
    async def work(heart: Heartbeat) -> None:
        count = 0

        async def step() -> None:
            nonlocal count
            count += 1

        heart.keep("one", step, pause_s)
        await asyncio.sleep(pause_s * 9.5)
        assert count == 10
        assert heart.problems() == []

    with_heart(work)


@pytest.mark.parametrize("fault", [ValueError("bad"), UnicodeEncodeError("utf-8", "x", 0, 1, "y"), RecursionError()])
def test_a_fault_ends_no_loop_and_is_logged_once(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def work(heart: Heartbeat) -> None:
        count = 0

        async def step() -> None:
            nonlocal count
            count += 1
            if count <= 5:
                raise fault

        heart.keep("one", step, 0.1)
        await asyncio.sleep(3.5)
        assert count == 4, "after a fault it takes its time"
        (told,) = heart.problems()
        assert "'one'" in told
        assert type(fault).__name__ in told
        await asyncio.sleep(2)
        assert count > 6
        assert heart.problems() == [], "it is well again"

    with caplog.at_level(logging.ERROR, "glassgate"):
        with_heart(work)
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


def test_each_distinct_fault_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work(heart: Heartbeat) -> None:
        faults: list[Exception] = [ValueError(), KeyError(), ValueError(), KeyError()]

        async def step() -> None:
            if faults:
                raise faults.pop()

        heart.keep("one", step, 1)
        await asyncio.sleep(10)

    with caplog.at_level(logging.ERROR, "glassgate"):
        with_heart(work)
    assert len(caplog.records) == 2


def test_a_loop_that_hangs_is_told() -> None:
    async def work(heart: Heartbeat) -> None:
        hangs = asyncio.Event()
        heart.keep("hanging", hangs.wait, 2)  # type: ignore[arg-type]
        heart.keep("patient", hangs.wait, 2, 900)  # type: ignore[arg-type]
        await asyncio.sleep(PATIENCE_S)
        assert heart.problems() == []
        await asyncio.sleep(5)
        (told,) = heart.problems()
        assert "'hanging' has not moved for 35 s" in told
        hangs.set()
        await asyncio.sleep(1)
        assert heart.problems() == []

    with_heart(work)


def test_a_loop_whose_task_has_ended_is_told() -> None:
    async def work(heart: Heartbeat) -> None:
        async def step() -> None:
            if (task := asyncio.current_task()) is not None:
                task.cancel()  # as somebody else might

        heart.keep("one", step, 1)
        await asyncio.sleep(5)
        (told,) = heart.problems()
        assert "'one' has ended" in told

    with_heart(work)


def test_something_cancelled_below_ends_no_loop() -> None:
    async def work(heart: Heartbeat) -> None:
        count = 0

        async def step() -> None:
            nonlocal count
            count += 1
            if count == 1:
                inner = asyncio.ensure_future(asyncio.sleep(5))
                asyncio.get_running_loop().call_soon(inner.cancel)
                await inner

        heart.keep("one", step, 1)
        await asyncio.sleep(5)
        assert count > 3
        assert heart.problems() == []

    with_heart(work)


def test_a_loop_can_be_woken() -> None:
    async def work(heart: Heartbeat) -> None:
        times: list[float] = []

        async def step() -> None:
            times.append(asyncio.get_running_loop().time())

        heart.keep("one", step, 100)
        await asyncio.sleep(7)
        heart.wake("one")
        heart.wake("nobody")
        await asyncio.sleep(1)
        assert times == [0, 7]

    with_heart(work)


def test_work_that_fails_is_told_for_good(caplog: pytest.LogCaptureFixture) -> None:
    async def work(heart: Heartbeat) -> None:
        async def good() -> None: ...

        async def bad() -> None:
            raise OSError("no such port")

        heart.once("good", good())
        heart.once("bad", bad())
        await asyncio.sleep(1)
        (told,) = heart.problems()
        assert "'bad' failed (OSError)" in told

    with caplog.at_level(logging.ERROR, "glassgate"):
        with_heart(work)
    assert len(caplog.records) == 1


def test_a_process_that_ends_has_no_such_problems() -> None:
    async def work(heart: Heartbeat) -> None:
        async def step() -> None: ...

        heart.keep("one", step, 1)
        await asyncio.sleep(1)
        heart.stop()
        await asyncio.sleep(100)
        assert heart.problems() == []

    with_heart(work)
