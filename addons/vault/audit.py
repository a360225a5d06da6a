"""The audit log: one line of JSON for each thing an administrator did, beside the vault. It holds no secrets.

    audit.jsonl   {"time": "2026-11-27T04:00:00Z", "by": "ada", "action": "keys add", "key": "bob"}

Private (0600), written by appending under a lock, so lines of two commands never mix. Bounded: a full one becomes
`audit.jsonl.1`, in the place of the one before. What cannot be written is told to the caller, who has done its work by
then and says so.
"""

import errno
import json
import os
import pwd
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from addons.vault.errors import VaultError
from addons.vault.lock import locked
from addons.vault.permissions import make_folder, open_private
from addons.words.shown import shown

FILE_NAME: Final = "audit.jsonl"
LIMIT_BYTES: Final = 4 * 1024 * 1024
_VALUE_CHARS: Final = 300
_MOST_VALUES: Final = 20
_LOCK_S: Final = 2.0


def note(folder: Path, now: float, action: str, about: Mapping[str, str]) -> None:
    """Appends one line; `now` in Unix seconds. Raises VaultError or OSError where that cannot be done."""
    line = _line(now, action, about)
    make_folder(folder)
    path = folder / FILE_NAME
    with locked(folder / f"{FILE_NAME}.lock", _LOCK_S):
        with suppress(FileNotFoundError):
            if path.lstat().st_size + len(line) > LIMIT_BYTES:
                os.replace(path, folder / f"{FILE_NAME}.1")
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            _append(descriptor, line)
        finally:
            os.close(descriptor)


def try_note(folder: Path, action: str, about: Mapping[str, str]) -> str | None:
    """As `note`, now; gives why it could not be noted, if so: what was done is done all the same."""
    try:
        note(folder, time.time(), action, about)
    except (VaultError, OSError) as e:
        return f"this could not be noted in {folder / FILE_NAME}: {shown(str(e), _VALUE_CHARS)}"
    return None


def noted(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of the log, oldest first; what is no line of ours is passed over."""
    for name in (f"{FILE_NAME}.1", FILE_NAME):
        with suppress(VaultError, OSError):
            with os.fdopen(open_private(folder / name, os.O_RDONLY), "rb") as file:
                data = file.read(2 * LIMIT_BYTES)
            for line in data.splitlines():
                with suppress(ValueError, RecursionError):
                    value = json.loads(line)
                    if isinstance(value, dict):
                        yield value


def _append(descriptor: int, line: bytes) -> None:
    """Writes the line whole, or leaves the file as it was. Raises OSError.

    A full disk takes a part of it, without an error; and what a process has begun that was killed is no line's head.
    """
    size = os.fstat(descriptor).st_size
    torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    line = b"\n" + line if torn else line
    if os.write(descriptor, line) < len(line):
        os.ftruncate(descriptor, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _line(now: float, action: str, about: Mapping[str, str]) -> bytes:
    told = {"time": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "by": _who(), "action": action}
    for name, value in list(about.items())[:_MOST_VALUES]:
        told.setdefault(shown(name, 40), shown(value, _VALUE_CHARS))
    return json.dumps(told, ensure_ascii=True).encode() + b"\n"


def _who() -> str:
    """The user of this process, by name where it has one."""
    uid = os.getuid()
    try:
        return shown(pwd.getpwuid(uid).pw_name, 64)
    except KeyError:
        return str(uid)
