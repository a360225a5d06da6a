"""The files of a folder of recordings, in the order of their age, and how large they are together.

They are looked through when somebody else has changed the folder, which the folder's own time of change tells, and
now and then in any case; what we write and remove ourselves is known. So a recording costs the same, however many there
are.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

ENDING: Final = ".glass.json"
LOOK_AGAIN_S: Final = 60.0
"""The time of a folder is exact to some milliseconds only: a change right behind one of ours is seen then."""


class KeptFiles:
    """What is kept in a folder. All methods raise OSError where the folder cannot be read."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._files: deque[tuple[float, int, str]] = deque()
        """When they were written (Unix seconds), their bytes, their names; the oldest first."""
        self._bytes = 0
        self._stamp: tuple[int, int] | None = None
        """The folder as we left it."""
        self._looked = 0.0

    def look(self) -> None:
        """Reads the folder."""
        self._files = deque(sorted(_found(self._folder)))
        self._bytes = sum(size for _, size, _ in self._files)
        self._looked = self._clock()
        self._stamp = self._now()

    def look_if_changed(self) -> bool:
        """Reads the folder unless it is as we left it; False where there is none."""
        if self._stamp is None or self._stamp != self._now() or self._clock() - self._looked >= LOOK_AGAIN_S:
            self.look()
        return self._stamp is not None

    def add(self, name: str, written: float, size: int) -> None:
        """Notes a file that we have just put there."""
        self._files.append((written, size, name))
        self._bytes += size
        self._stamp = self._now()

    def trim(self, most_bytes: float, since: float) -> None:
        """Removes the oldest files until the rest is small enough and was written since then."""
        while self._files and (self._bytes > most_bytes or self._files[0][0] < since):
            _, size, name = self._files.popleft()
            self._bytes -= size
            (self._folder / name).unlink(missing_ok=True)
            self._stamp = self._now()

    def _now(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._folder)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns


def _found(folder: Path) -> Iterator[tuple[float, int, str]]:
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.name.endswith(ENDING):
                try:
                    found = entry.stat()
                except OSError:
                    continue
                yield found.st_mtime, found.st_size, entry.name
