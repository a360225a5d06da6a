"""The watch over the event loop: one line when it was held, no storm of lines."""

import asyncio
import logging

import pytest

from addons.app.loop_watch import LoopWatch


def lines_of(
    held: list[float], caplog: pytest.LogCaptureFixture, *, own: float = 0.0, at_start: bool = False
) -> list[str]:
    """The log's lines after beats that came so many seconds late, `own` of them for the loop's own work."""
    now, worked, late = 0.0, 0.0, iter(held if at_start else [0.0, *held])

    async def sleep(seconds: float) -> None:
        nonlocal now, worked
        now += seconds
        worked += own
        try:
            now += next(late)
        except StopIteration:
            raise asyncio.CancelledError from None

    watch = LoopWatch(lambda: now, lambda: worked, sleep)

    async def beat() -> None:
        while True:
            await watch.step()

    with caplog.at_level(logging.WARNING, "glassgate"), pytest.raises(asyncio.CancelledError):
        asyncio.run(beat())
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param([0.0, 0.1, 0.15], [], id="as it should be"),
        pytest.param([0.25], ["held for 250 ms"], id="held once"),
        pytest.param([0.25, 0.3, 0.4], ["held for 250 ms"], id="again within ten seconds"),
        pytest.param(
            [0.25, 0.3, *[0.0] * 100, 2.0], ["held for 250 ms", "its own work (1 more since"], id="later again"
        ),
    ],
)
def test_one_line_and_no_storm(held: list[float], expected: list[str], caplog: pytest.LogCaptureFixture) -> None:
    found = lines_of(held, caplog)
    assert len(found) == len(expected)
    assert all(part in line for part, line in zip(expected, found, strict=True))


def test_what_the_start_loads_is_worth_no_line(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of([0.4], caplog, at_start=True) == []
    assert len(lines_of([0.4, 0.3], caplog, at_start=True)) == 1


def test_own_work_is_told_earlier_and_apart_from_the_machines(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of([0.15], caplog, own=0.09) == []
    (line,) = lines_of([0.15], caplog, own=0.12)
    assert "held for 150 ms, at most 120 of them by its own work" in line


def test_own_work_is_no_more_than_what_was_held(caplog: pytest.LogCaptureFixture) -> None:
    assert "held for 250 ms, at most 250 of" in lines_of([0.25], caplog, own=0.34)[0]
