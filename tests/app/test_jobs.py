"""Background loops: a fault ends none of them, and none stops in silence. In virtual time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from addons.app.jobs import FAULTS_LIMIT, PATIENCE_S, Job, Jobs
from tests.support.virtual_time import run_virtual


def with_jobs(work: Callable[[Jobs], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        jobs = Jobs(asyncio.get_running_loop().time)
        try:
            await work(jobs)
        finally:
            jobs.stop()

    run_virtual(run())


@pytest.mark.parametrize("pause_s", [0.1, 2.0])
def test_a_step_is_done_again_and_again(pause_s: float) -> None:
    async def work(jobs: Jobs) -> None:
        count = 0

        async def step() -> None:
            nonlocal count
            count += 1

        jobs.start(Job("one", pause_s, step))
        await asyncio.sleep(pause_s * 9.5)
        assert count == 10
        assert jobs.problems() == []

    with_jobs(work)


@pytest.mark.parametrize("fault", [ValueError("bad"), UnicodeEncodeError("utf-8", "x", 0, 1, "y"), RecursionError()])
def test_a_fault_ends_no_loop_and_is_logged_once(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def work(jobs: Jobs) -> None:
        count = 0

        async def step() -> None:
            nonlocal count
            count += 1
            if count <= 5:
                raise fault

        jobs.start(Job("one", 0.1, step))
        await asyncio.sleep(3.5)
        assert count == 4, "after a fault it takes its time"
        (told,) = jobs.problems()
        assert "'one'" in told
        assert type(fault).__name__ in told
        await asyncio.sleep(2)
        assert count > 6
        assert jobs.problems() == [], "it is well again"

    with caplog.at_level(logging.ERROR, "glassgate"):
        with_jobs(work)
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


def test_each_distinct_fault_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work(jobs: Jobs) -> None:
        faults: list[Exception] = [ValueError(), KeyError(), ValueError(), KeyError()]

        async def step() -> None:
            if faults:
                raise faults.pop()

        jobs.start(Job("one", 1, step))
        await asyncio.sleep(10)

    with caplog.at_level(logging.ERROR, "glassgate"):
        with_jobs(work)
    assert len(caplog.records) == 2


def test_a_loop_that_hangs_is_told() -> None:
    async def work(jobs: Jobs) -> None:
        hangs = asyncio.Event()
        jobs.start(Job("hanging", 2, hangs.wait))  # type: ignore[arg-type]
        jobs.start(Job("patient", 2, hangs.wait, 900))  # type: ignore[arg-type]
        await asyncio.sleep(PATIENCE_S + 2)
        assert jobs.problems() == []
        await asyncio.sleep(3)
        (told,) = jobs.problems()
        assert "'hanging' has not moved for 35 s" in told
        hangs.set()
        await asyncio.sleep(1)
        assert jobs.problems() == []

    with_jobs(work)


@pytest.mark.parametrize("waits", [False, True])
def test_a_loop_whose_task_has_ended_is_told(waits: bool) -> None:
    async def work(jobs: Jobs) -> None:
        async def step() -> None:
            if (task := asyncio.current_task()) is not None:
                task.cancel()  # as somebody else might
            if waits:
                await asyncio.sleep(0)

        jobs.start(Job("one", 1, step))
        await asyncio.sleep(5)
        (told,) = jobs.problems()
        assert "'one' has ended" in told

    with_jobs(work)


def test_something_cancelled_below_ends_no_loop() -> None:
    async def work(jobs: Jobs) -> None:
        count = 0

        async def step() -> None:
            nonlocal count
            count += 1
            if count == 1:
                inner = asyncio.ensure_future(asyncio.sleep(5))
                asyncio.get_running_loop().call_soon(inner.cancel)
                await inner

        jobs.start(Job("one", 1, step))
        await asyncio.sleep(0.5)
        assert jobs.problems() == [
            "the background loop 'one' fails (something it waited for was cancelled); the log says where"
        ]
        await asyncio.sleep(4.5)
        assert count > 3
        assert jobs.problems() == []

    with_jobs(work)


def test_a_loop_can_be_woken() -> None:
    async def work(jobs: Jobs) -> None:
        times: list[float] = []

        async def step() -> None:
            times.append(asyncio.get_running_loop().time())

        jobs.start(Job("one", 100, step))
        await asyncio.sleep(7)
        jobs.wake("one")
        jobs.wake("nobody")
        await asyncio.sleep(1)
        assert times == [0, 7]

    with_jobs(work)


def test_work_that_fails_is_told_for_good(caplog: pytest.LogCaptureFixture) -> None:
    async def work(jobs: Jobs) -> None:
        async def good() -> None: ...

        async def bad() -> None:
            raise OSError("no such port")

        jobs.once("good", good())
        jobs.once("bad", bad())
        await asyncio.sleep(1)
        (told,) = jobs.problems()
        assert "'bad' failed (OSError)" in told

    with caplog.at_level(logging.ERROR, "glassgate"):
        with_jobs(work)
    assert len(caplog.records) == 1


def test_a_process_that_ends_has_no_such_problems() -> None:
    async def work(jobs: Jobs) -> None:
        async def step() -> None: ...

        jobs.start(Job("one", 1, step))
        await asyncio.sleep(1)
        jobs.stop()
        await asyncio.sleep(100)
        assert jobs.problems() == []

    with_jobs(work)


def test_a_run_that_waits_by_itself_needs_no_pause() -> None:
    async def work(jobs: Jobs) -> None:
        times: list[float] = []

        async def step() -> None:
            times.append(asyncio.get_running_loop().time())
            await asyncio.sleep(3)

        jobs.start(Job("one", 0, step))
        await asyncio.sleep(10)
        assert times == [0, 3, 6, 9]

    with_jobs(work)


def test_a_fault_of_a_job_with_a_long_pause_keeps_to_that_and_is_not_woken() -> None:
    async def work(jobs: Jobs) -> None:
        times: list[float] = []

        async def step() -> None:
            times.append(asyncio.get_running_loop().time())
            raise OSError

        jobs.start(Job("one", 20, step))
        await asyncio.sleep(5)
        jobs.wake("one")
        await asyncio.sleep(36)
        assert times == [0, 20, 40]

    with_jobs(work)


def test_faults_without_end_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def work(jobs: Jobs) -> None:
        count = 0

        async def step() -> None:
            nonlocal count
            count += 1
            exec(compile("\n" * count + "raise ValueError", "made", "exec"))

        jobs.start(Job("one", 1, step))
        await asyncio.sleep(FAULTS_LIMIT * 2)

    with caplog.at_level(logging.ERROR, "glassgate"):
        with_jobs(work)
    assert len(caplog.records) == FAULTS_LIMIT


def test_work_that_is_cut_short_at_the_end_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def work(jobs: Jobs) -> None:
        jobs.once("endless", asyncio.sleep(1000))
        jobs.start(Job("one", 5, lambda: asyncio.sleep(1000)))
        await asyncio.sleep(1)
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("glassgate ")]
        assert {task.get_name() for task in tasks} == {"glassgate endless", "glassgate one"}
        jobs.stop()
        await asyncio.sleep(1)
        assert all(task.cancelled() for task in tasks)

    with_jobs(work)
    assert not caplog.records
