"""What waits to be written: in order, off the event loop, bounded, and all of it before the end."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from addons.recordings import backlog
from addons.recordings.backlog import AT_ONCE, Backlog
from addons.tasks import Background


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "PAUSE_S", 0.01)


class Disk:
    """What is written, and in which threads; it may be held, and takes no negative number."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.told: list[int] = []
        self.threads: set[int] = set()
        self.free = threading.Event()
        self.free.set()
        self.backlog = Backlog("numbers", self._write, self.told.append)

    def _write(self, item: int) -> None:
        self.free.wait(60)
        self.threads.add(threading.get_ident())
        if item < 0:
            raise ValueError(item)
        self.written.append(item)


def run(fill: Callable[[Disk, Background], None]) -> Disk:
    disk = Disk()

    async def whole() -> None:
        background = Background()
        fill(disk, background)
        await asyncio.sleep(0)
        disk.free.set()
        await background.settle(60)

    asyncio.run(whole())
    return disk


def test_all_is_written_in_order_and_away_from_the_loop() -> None:
    def fill(disk: Disk, background: Background) -> None:
        for number in range(3 * AT_ONCE):
            disk.backlog.add(number, 1, background)

    disk = run(fill)
    assert disk.written == disk.told == list(range(3 * AT_ONCE))
    assert threading.get_ident() not in disk.threads


def test_what_comes_while_others_are_written_is_written_behind_them() -> None:
    disk = Disk()

    async def whole() -> None:
        background = Background()
        disk.free.clear()
        disk.backlog.add(1, 1, background)
        await asyncio.sleep(0)
        disk.backlog.add(2, 1, background)
        disk.free.set()
        await background.settle(60)
        disk.backlog.add(3, 1, background)
        await background.settle(60)

    asyncio.run(whole())
    assert disk.told == [1, 2, 3]


def test_what_comes_soon_after_goes_along_and_many_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    goes: list[int] = []
    pause, disk = asyncio.sleep, Disk()
    plain = disk.backlog._write_all

    async def paused(seconds: float) -> None:
        pauses.append(seconds)
        await pause(0)

    def go(items: Sequence[int]) -> Sequence[int]:
        goes.append(len(items))
        return plain(items)

    monkeypatch.setattr(asyncio, "sleep", paused)
    monkeypatch.setattr(disk.backlog, "_write_all", go)

    async def whole() -> None:
        background = Background()
        disk.backlog.add(0, 1, background)
        await pause(0)
        for number in range(1, AT_ONCE + 3):
            disk.backlog.add(number, 1, background)
        await background.settle(60)

    asyncio.run(whole())
    assert (goes, pauses) == ([AT_ONCE, 3], [backlog.PAUSE_S] * 2)


def test_a_fault_costs_its_own_item(caplog: pytest.LogCaptureFixture) -> None:
    def fill(disk: Disk, background: Background) -> None:
        for number in (1, -2, 3):
            disk.backlog.add(number, 1, background)

    assert run(fill).told == [1, 3]
    assert "one of the numbers failed" in caplog.text


def test_a_slow_disk_costs_no_more_memory_than_so_much(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backlog, "MOST_BYTES", 100)

    def fill(disk: Disk, background: Background) -> None:
        disk.free.clear()
        disk.backlog.add(0, 500, background)  # one is taken, however large
        for number in range(1, 5):
            disk.backlog.add(number, 40, background)

    assert run(fill).told == [0]
    assert "numbers are left out until" in caplog.text
    assert "numbers are written again; 4 were left out" in caplog.text
