"""Questions of commands to a running gateway: small private files in a folder beside the vault, and their answers.

    control/ID.ask      {"config": "/…/config.yaml", "what": "lend_key", …}
    control/ID.answer   {"done": true, "said": "…"}
    control/ID.held     empty, and locked for as long as the process lives that asked

The gateway takes a question off the disk as it reads it, so a secret in one lies there for a moment. All files are
private and their folder is the user's alone: only who may change the vault can ask. Several may ask at once; a question
about another configuration is another gateway's.
"""

import contextlib
import fcntl
import heapq
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from addons.errors import clean
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.permissions import make_folder, open_private
from addons.vault.small_files import read_small, write_small

FOLDER_NAME: Final = "control"
MOST_AT_ONCE: Final = 500
"""Files of the folder that are opened in one go."""
LEFT_OVER_S: Final = 120.0
"""A file this old is of a process that died: nobody waits for so long."""
SAID_LIMIT: Final = 8000
_LIMIT_BYTES: Final = 64 * 1024
_ASK, _ANSWER, _HELD = ".ask", ".answer", ".held"
_NAME: Final = re.compile(r"[0-9a-f]{32}\.(?:ask|answer|held)")


@dataclass(frozen=True, slots=True)
class Question:
    """What a command asks. `fields` is hostile: whoever handles it looks at each."""

    id: str
    what: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway did about a question. `said` may have several lines, and holds no secret."""

    done: bool
    said: str = ""


def folder_beside(vault: Path) -> Path:
    """The folder of questions beside a vault's file."""
    return vault.parent / FOLDER_NAME


# -- the gateway's side ----------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Inbox:
    """The questions in `folder` that are about the configuration `file`. All but `is_empty` may block on the disk."""

    folder: Path
    file: Path
    _after: str = field(default="", init=False)
    """The name that was looked at last: where there are too many, the next look begins behind it."""

    def is_empty(self) -> bool:
        """Whether there is nothing at all; one look at the folder. Raises nothing."""
        try:
            with os.scandir(self.folder) as found:
                return next(found, None) is None
        except OSError:
            return True

    def take(self) -> list[Question]:
        """The questions for us, which are removed. Raises nothing: a file that is none of ours is passed over.

        Of very many files some are opened at a time, questions first, and each of them in its turn.
        """
        try:
            with os.scandir(self.folder) as found:
                ours = (entry.name for entry in found if _NAME.fullmatch(entry.name) is not None)
                names = heapq.nsmallest(MOST_AT_ONCE, ours, key=self._turn)
        except OSError:
            return []
        self._after = names[-1] if names else ""
        return [question for name in names if (question := self._taken(self.folder / name)) is not None]

    def answer(self, question: str, answer: Answer) -> None:
        """Writes it for who has asked. Raises OSError."""
        said = "\n".join(clean(line, 1000) for line in answer.said.splitlines())[:SAID_LIMIT]
        write_small(self.folder / f"{question}{_ANSWER}", json.dumps({"done": answer.done, "said": said}).encode())

    def is_left(self, question: str) -> bool:
        """Whether the process that asked is gone, or wants no more of it; what it held is removed then."""
        path = self.folder / f"{question}{_HELD}"
        try:
            descriptor = open_private(path, os.O_RDWR)
        except VaultMissing:
            return True
        except VaultError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _turn(self, name: str) -> tuple[bool, bool, str]:
        """What tells which file is looked at before another."""
        return not name.endswith(_ASK), name <= self._after, name

    def _taken(self, path: Path) -> Question | None:
        """The question of a file, if it is one for us; nothing of a file that cannot be removed."""
        try:
            return self._removed(path)
        except OSError:
            return None

    def _removed(self, path: Path) -> Question | None:
        """Raises OSError."""
        if _age_s(path) > LEFT_OVER_S:
            if path.suffix != _HELD:
                path.unlink(missing_ok=True)
            else:
                self.is_left(path.stem)  # of a process that died while no gateway ran
            return None
        asked = _read(path) if path.suffix == _ASK else {}
        if asked.get("config") != str(self.file):
            return None
        path.unlink(missing_ok=True)
        what = asked.get("what")
        return Question(path.stem, what if isinstance(what, str) else "", asked)


# -- the command's side ----------------------------------------------------------------------------------------------
@contextmanager
def held(folder: Path) -> Iterator[str]:
    """The id for one question, held until the end: the kernel lets go of it when this process dies. Raises OSError."""
    try:
        make_folder(folder)
        question = secrets.token_hex(16)
        path = folder / f"{question}{_HELD}"
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    except VaultError as e:
        raise OSError(0, str(e)) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield question
    finally:
        os.close(descriptor)
        for ending in (_ASK, _ANSWER, _HELD):
            with contextlib.suppress(OSError):
                (folder / f"{question}{ending}").unlink()


def ask(folder: Path, file: Path, question: str, what: str, **fields: str) -> None:
    """Asks the gateway that runs with the configuration `file`. Raises OSError."""
    told = {"config": str(file), "what": what, **fields}
    write_small(folder / f"{question}{_ASK}", json.dumps(told).encode())


def answer_to(folder: Path, question: str) -> Answer | None:
    """The answer, once it is there."""
    found = _read(folder / f"{question}{_ANSWER}")
    if not found:
        return None
    said = found.get("said")
    lines = [clean(line, 1000) for line in (said if isinstance(said, str) else "").splitlines()]
    return Answer(found.get("done") is True, "\n".join(lines))


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(read_small(path, _LIMIT_BYTES) or b"")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _age_s(path: Path) -> float:
    """Nothing of one that is gone."""
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0
