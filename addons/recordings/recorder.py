"""The recorder: writes recordings to a folder while that is switched on, and keeps the folder small."""

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.recordings.kept_files import ENDING, KeptFiles
from addons.recordings.recording import Recording
from addons.vault.replacing import replace_file

log = logging.getLogger("glassgate")

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
    _kept: KeptFiles = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Not every caller writes in the same thread."""

    def __post_init__(self) -> None:
        self._kept = KeptFiles(self.folder)

    def write(self, recording: Recording, request_id: str, number: int) -> Path | None:
        """Writes one file whole or not at all; None when the disk does not take it. Blocks.

        `number` is the attempt's; preparing calls are numbered by themselves.
        """
        if self.broken:
            return None
        name = _name(recording, request_id, self.now())
        with self._lock:
            try:
                data = recording.dump().encode("utf-8", "surrogateescape")
                if not self._kept.look_if_changed():
                    self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                path = self._free(name, number)
                # Not synced: a recording lost in a power cut is lost, and every exchange writes one.
                written = replace_file(path, data, sync=False)
                self._kept.add(path.name, written.st_mtime, written.st_size)
                self._trim()
            except OSError as e:
                self.broken = True
                log.error("recording has ended: %s takes nothing (%s); serving goes on", self.folder, e.strerror)
                return None
            except ValueError as e:  # half a surrogate in a site's words cannot be written
                log.warning("an exchange of %s cannot be recorded: %s", recording.provider, type(e).__name__)
                return None
            return path

    def _free(self, name: str, number: int) -> Path:
        while (path := self.folder / f"{name}-{number}{ENDING}").exists():
            number += 1
        return path

    def prune(self) -> None:
        """Looks through the folder, and removes the oldest recordings until the rest is young and small enough."""
        self._kept.look()
        self._trim()

    def _trim(self) -> None:
        self._kept.trim(self.max_mb * 1e6, self.now() - self.max_days * 86_400)


def _name(recording: Recording, request_id: str, now: float) -> str:
    """The file's name, sorted by time and short enough for a list. All of it stands in the file too."""
    stamp = time.strftime("%y%m%d-%H%M%S", time.gmtime(now)) + f"{int(now % 1 * 1000):03}"
    provider = recording.provider.removesuffix("_compatible")
    what = "preparing" if recording.part == "step" else recording.model[:MODEL_CHARS]
    return _ODD.sub("_", f"{stamp}-{provider}-{what}-{request_id[-8:]}")
