"""The recorder: writes recordings to a folder while that is switched on, and keeps the folder small."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.recordings.recording import Recording
from addons.vault.replacing import replace_file

log = logging.getLogger("glassgate")

ENDING: Final = ".glass.json"
MODEL_CHARS: Final = 20
"""Of a model's name in a file's name."""
_ODD: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(slots=True)
class Recorder:
    """A folder of recordings. `now` gives Unix seconds. A disk that takes nothing ends the recording, never the
    serving."""

    folder: Path
    max_mb: float
    max_days: float
    now: Callable[[], float] = time.time
    broken: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Exchanges that end together are written by several threads."""

    def write(self, recording: Recording, request_id: str, number: int) -> Path | None:
        """Writes one file whole or not at all; None when the disk does not take it. Blocks.

        `number` is the attempt's; preparing calls are numbered by themselves.
        """
        if self.broken:
            return None
        now = self.now()
        name = _name(recording, request_id, now)
        with self._lock:
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                path = self._free(name, number)
                # Not synced: a recording lost in a power cut is lost, and every exchange writes one.
                replace_file(path, recording.dump().encode("utf-8", "surrogateescape"), sync=False)
            except OSError as e:
                self.broken = True
                log.error("recording has ended: %s takes nothing (%s); serving goes on", self.folder, e.strerror)
                return None
            except ValueError as e:  # half a surrogate in a site's words cannot be written
                log.warning("an exchange of %s cannot be recorded: %s", recording.provider, type(e).__name__)
                return None
            self.prune()
            return path

    def _free(self, name: str, number: int) -> Path:
        while (path := self.folder / f"{name}-{number}{ENDING}").exists():
            number += 1
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


def _name(recording: Recording, request_id: str, now: float) -> str:
    """The file's name, sorted by time and short enough for a list. All of it stands in the file too."""
    stamp = time.strftime("%y%m%d-%H%M%S", time.gmtime(now)) + f"{int(now % 1 * 1000):03}"
    provider = recording.provider.removesuffix("_compatible")
    what = "preparing" if recording.part == "step" else recording.model[:MODEL_CHARS]
    return _ODD.sub("_", f"{stamp}-{provider}-{what}-{request_id[-8:]}")
