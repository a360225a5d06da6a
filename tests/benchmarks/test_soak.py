"""The soak's own judgement: what it measures of the event loop, and what it calls wrong."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.attackers import ATTACK, LATE
from benchmarks.soak import Figures, State, judged, parts
from benchmarks.steps import LISTED, Steps, named

GOOD = State(files=20, threads=5, memory_mb=170.0, tasks=10)


class Clocks:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.loop_s = self.own_s = self.wall_s = 0.0
        self.steps = Steps(lambda: self.loop_s, lambda: self.own_s, lambda: self.wall_s)

    def step(self, ms: float, collecting_ms: float = 0.0) -> None:
        def work(handle: Any) -> None:
            self.loop_s += ms / 1000
            if collecting_ms:
                self.collection(collecting_ms, in_loop=True)

        self.steps.run(SimpleNamespace(_callback=self.step), work)

    def collection(self, ms: float, *, in_loop: bool) -> None:
        self.steps.collection("start", {"generation": 2})
        self.own_s += ms / 1000
        self.loop_s += ms / 1000 if in_loop else 0.0
        self.steps.collection("stop", {"generation": 2})


def test_each_step_counts_by_the_loops_own_cpu_time() -> None:
    clocks = Clocks()
    for ms in (0.5, 0.5, 7, 60):
        clocks.wall_s += 1
        clocks.step(ms)
    told = clocks.steps.told()
    assert told["steps"] == 4
    assert [(row["below_ms"], row["steps"]) for row in told["histogram"] if row["steps"]] == [(1, 2), (10, 1), (75, 1)]
    assert [(one["ms"], one["at_s"], one["what"]) for one in told["longest"]] == [(60.0, 4.0, "Clocks.step")]


def test_a_step_that_raises_counts_too() -> None:
    clocks = Clocks()

    def fails(handle: Any) -> None:
        clocks.loop_s += 0.2
        raise KeyError

    with pytest.raises(KeyError):
        clocks.steps.run(SimpleNamespace(_callback=fails), fails)
    assert [one["ms"] for one in clocks.steps.told()["longest"]] == [200.0]
    assert clocks.steps.under_way is None


def test_collections_are_told_by_themselves_also_those_of_other_threads() -> None:
    clocks = Clocks()
    clocks.step(10, collecting_ms=30)
    clocks.collection(50, in_loop=False)
    told = clocks.steps.told()
    assert [(one["ms"], one["collecting_ms"]) for one in told["longest"]] == [(40.0, 30.0)]
    assert told["collections"][2] == {"times": 2, "longest_ms": 50.0, "ms": 80.0}


def test_the_longest_are_kept_in_order_and_bounded() -> None:
    clocks = Clocks()
    for ms in range(20, 20 + LISTED * 2):
        clocks.step(ms)
    assert [one["ms"] for one in clocks.steps.told()["longest"]] == [*range(19 + LISTED * 2, 19 + LISTED, -1)]


def test_a_tasks_step_is_told_by_its_coroutine() -> None:
    names: list[str] = []

    async def under_test() -> None:
        await asyncio.sleep(0)

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(under_test())
        names.extend(named(handle) for handle in loop._ready)  # type: ignore[attr-defined]
        await task

    asyncio.run(watched())
    assert any(name.endswith("under_test") for name in names)


def _steps(ms: float = 90.0, collection_ms: float = 60.0) -> dict[str, Any]:
    calm = {"times": 1, "longest_ms": 1.0, "ms": 1.0}
    return {
        "longest": [{"ms": ms, "what": "hook_task"}],
        "collections": [calm, calm, {"times": 1, "longest_ms": collection_ms, "ms": 60.0}],
    }


def test_a_good_run_has_nothing_wrong() -> None:
    end = State(files=24, threads=9, memory_mb=210.0, tasks=12)
    assert judged(Figures(), GOOD, end, 0, _steps(), 100) == []


@pytest.mark.parametrize(
    ("end", "unhandled", "steps", "said"),
    [
        (GOOD, 0, _steps(ms=100.5), "one step of the event loop took 100.5 ms: hook_task"),
        (GOOD, 0, _steps(collection_ms=101.0), "one collection of generation 2 took 101.0 ms"),
        (GOOD, 1, _steps(), "1 unhandled exceptions in the log"),
        (State(25, 5, 170.0, 10), 0, _steps(), "open files: 20 when it was warm, 25 at the end"),
        (State(20, 10, 170.0, 10), 0, _steps(), "threads: 5 when it was warm, 10 at the end"),
        (State(20, 5, 170.0, 13), 0, _steps(), "tasks: 10 when it was warm, 13 at the end"),
        (State(20, 5, 211.0, 10), 0, _steps(), "MB of memory: 170 when it was warm, 211 at the end"),
    ],
)
def test_each_thing_that_does_not_hold_is_told(end: State, unhandled: int, steps: dict[str, Any], said: str) -> None:
    assert judged(Figures(), GOOD, end, unhandled, steps, 100) == [said]


def test_wrong_answers_are_told() -> None:
    assert judged(Figures(wrong=["GLM-4.6: done after 'One'"]), GOOD, GOOD, 0, _steps(), 100) == [
        "wrong: GLM-4.6: done after 'One'"
    ]


@pytest.mark.parametrize(("late", "said"), [(1, []), (2, [f"{LATE}: 2 of 101"])])
def test_few_attacks_may_wait_long(late: int, said: list[str]) -> None:
    figures = Figures(outcomes=Counter({ATTACK: 101 - late, LATE: late}))
    assert judged(figures, GOOD, GOOD, 0, _steps(), 100) == said


@pytest.mark.parametrize(("minutes", "warm", "count"), [(20, 5.0, 16), (40, 5.0, 36), (3, 0.75, 3), (0.4, 0.1, 2)])
def test_it_is_warm_after_five_minutes_or_a_quarter(minutes: float, warm: float, count: int) -> None:
    ends = parts(minutes)
    assert (ends[0], round(ends[-1], 6), len(ends)) == (warm, minutes, count)
