"""The watch over the event loop: one line when it was held, no storm of lines."""

import asyncio
import logging

import pytest

from addons.loop_watch import LoopWatch


def lines_of(held: list[float], caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log's lines after beats that came so many seconds late."""
    now, late = 0.0, iter(held)

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        try:
            now += next(late)
        except StopIteration:
            raise asyncio.CancelledError from None

    watch = LoopWatch(lambda: now, sleep)

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
            [0.25, 0.3, *[0.0] * 100, 2.0], ["held for 250 ms", "held for 2000 ms (1 more since"], id="later again"
        ),
    ],
)
def test_one_line_and_no_storm(held: list[float], expected: list[str], caplog: pytest.LogCaptureFixture) -> None:
    found = lines_of(held, caplog)
    assert len(found) == len(expected)
    assert all(part in line for part, line in zip(expected, found, strict=True))
