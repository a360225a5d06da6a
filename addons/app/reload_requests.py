"""Reload requests of other processes: a command writes a small file beside the vault, and reads the answer.

    reload.json          {"id": …, "config": "/…/config.yaml"}
    reload-answer.json   {"id": …, "done": true, "said": "the changed configuration is in force"}

Both files are private and their folder is the user's alone, so only who may change the vault can ask.
"""

import contextlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from addons.errors import clean
from addons.vault.errors import VaultError
from addons.vault.permissions import make_folder
from addons.vault.small_files import read_small, stamp_of, write_small

QUESTION_NAME: Final = "reload.json"
ANSWER_NAME: Final = "reload-answer.json"
_LIMIT_BYTES: Final = 64 * 1024
_ID: Final = re.compile(r"[0-9a-f]{16,64}")
SAID_LIMIT: Final = 8000


@dataclass(frozen=True, slots=True)
class ReloadAnswer:
    """What the gateway did about the question. `said` may have several lines."""

    done: bool
    said: str


@dataclass(slots=True)
class ReloadRequests:
    """The gateway's side: questions in `folder` that are about the configuration `file`."""

    folder: Path
    file: Path
    _seen: tuple[int, int, int] | None = field(init=False)

    def __post_init__(self) -> None:
        with contextlib.suppress(VaultError):  # a gateway without a vault can be asked too, where it may write
            make_folder(self.folder)
        self._seen = stamp_of(self.folder / QUESTION_NAME)  # one from before the start was another process's

    def new(self) -> str | None:
        """The id of a question not heard before; None when there is none for us. Raises nothing."""
        path = self.folder / QUESTION_NAME
        stamp = stamp_of(path)
        if stamp == self._seen:
            return None
        self._seen = stamp
        asked = _read(path)
        found = asked.get("id")
        if asked.get("config") != str(self.file) or not isinstance(found, str) or not _ID.fullmatch(found):
            return None
        return found

    def answer(self, question: str, answer: ReloadAnswer) -> None:
        """Raises OSError."""
        said = "\n".join(clean(line, 1000) for line in answer.said.splitlines())[:SAID_LIMIT]
        told = {"id": question, "done": answer.done, "said": said}
        write_small(self.folder / ANSWER_NAME, json.dumps(told).encode())


def ask(folder: Path, file: Path, question: str) -> None:
    """The command's side. Raises OSError."""
    write_small(folder / QUESTION_NAME, json.dumps({"id": question, "config": str(file)}).encode())


def answer_to(folder: Path, question: str) -> ReloadAnswer | None:
    """The answer, once it is there."""
    found = _read(folder / ANSWER_NAME)
    if found.get("id") != question:
        return None
    said = found.get("said")
    lines = [clean(line, 1000) for line in (said if isinstance(said, str) else "").splitlines()]
    return ReloadAnswer(found.get("done") is True, "\n".join(lines))


def forget(folder: Path) -> None:
    """Removes question and answer. Raises OSError."""
    for name in (QUESTION_NAME, ANSWER_NAME):
        (folder / name).unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(read_small(path, _LIMIT_BYTES) or b"")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
