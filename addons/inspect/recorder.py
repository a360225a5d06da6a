"""Writes recordings to a folder while that is switched on, and keeps the folder small."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from addons.inspect.recording import Recording

log = logging.getLogger("glassgate")

ENDING: Final = ".glass.json"
_ODD: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(slots=True)
class Recorder:
    """`now` gives Unix seconds. A disk that takes nothing ends the recording, never the serving."""

    folder: Path
    max_mb: float
    max_days: float
    now: Callable[[], float] = time.time
    broken: bool = False

    def write(self, recording: Recording, request_id: str, attempt: int) -> Path | None:
        """Writes one file whole or not at all; None when the disk does not take it. Blocks."""
        if self.broken:
            return None
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self.now()))
        name = _ODD.sub("_", f"{stamp}-{recording.provider}-{recording.model}-{request_id[-8:]}-{attempt}")
        path = self.folder / f"{name}{ENDING}"
        temporary = self.folder / f".{name}.tmp"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(recording.dump())
            temporary.replace(path)
        except OSError as e:
            temporary.unlink(missing_ok=True)
            self.broken = True
            log.error("recording has ended: %s cannot be written (%s); serving goes on", path, e.strerror)
            return None
        self.prune()
        return path

    def prune(self) -> None:
        """Removes the oldest recordings until the rest is young and small enough."""
        files = sorted(self._files(), key=lambda entry: entry[1])
        total = sum(size for _, _, size in files)
        for path, written, size in files:
            if total <= self.max_mb * 1e6 and self.now() - written <= self.max_days * 86_400:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _files(self) -> Iterable[tuple[Path, float, int]]:
        for path in self.folder.glob(f"*{ENDING}"):
            try:
                found = path.stat()
            except OSError:
                continue
            yield path, found.st_mtime, found.st_size
