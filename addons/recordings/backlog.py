"""What waits to be written: taken in order by one thread at a time, many in one go; bounded in bytes."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from addons.tasks import Background

log = logging.getLogger("glassgate")

MOST_BYTES: Final = 64 * 1024 * 1024
AT_ONCE: Final = 50
"""Taken by the thread in one go: the end of the process may come between two."""
PAUSE_S: Final = 0.2
"""For so long others may come along: a thread that wakes for each fights for the interpreter with the event loop."""


class Backlog[Item]:
    """Items to be written. A fault in one is logged, and the others go on."""

    def __init__(self, name: str, write: Callable[[Item], None], written: Callable[[Item], None]) -> None:
        """`write` is called in a thread and may block; `written` is called behind it, on the event loop.

        `name` is what the log calls the items."""
        self._name = name
        self._write = write
        self._written = written
        self._waiting: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._left_out = 0
        self._at_work = False

    def add(self, item: Item, size: int, background: Background) -> None:
        """Lets an item of so many bytes wait until it is written, soon. It is left out where too many bytes wait."""
        if self._bytes and self._bytes + size > MOST_BYTES:
            if not self._left_out:
                log.warning("%s are left out until those before them are written: the disk is too slow", self._name)
            self._left_out += 1
            return
        self._waiting.append((item, size))
        self._bytes += size
        if not self._at_work:
            self._at_work = True
            background.spawn(self._work(), f"glassgate {self._name}")

    async def _work(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) < AT_ONCE:
                    await asyncio.sleep(PAUSE_S)
                taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                written = await asyncio.to_thread(self._write_all, [item for item, _ in taken])
                self._bytes -= sum(size for _, size in taken)
                for item in written:
                    self._written(item)
        finally:
            self._at_work = False
        if self._left_out:
            log.warning("%s are written again; %s were left out", self._name, self._left_out)
            self._left_out = 0

    def _write_all(self, items: Sequence[Item]) -> Sequence[Item]:
        """Those that were written without a fault."""
        return [item for item in items if self._write_one(item)]

    def _write_one(self, item: Item) -> bool:
        try:
            self._write(item)
        except Exception:
            log.exception("one of the %s failed", self._name)
            return False
        return True
