"""Small files of our own beside the vault (states, counts, switches): bounded, replaced whole, never through a link.

The folder must be the user's alone.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import Final

from addons.vault.errors import VaultError
from addons.vault.permissions import make_folder, read_private
from addons.vault.replacing import leftovers, replace_file

LIMIT_BYTES: Final = 4 * 1024 * 1024
LEFT_OVER_S: Final = 600
"""A temporary file this old is of a process that died."""


class SmallFileProblem(OSError):
    """The file cannot be read or written; `strerror` says why."""


def read_small(path: Path, limit_bytes: int = LIMIT_BYTES) -> bytes | None:
    """The content; None when there is no such file, it is too large, a link, open to others or not to be read."""
    try:
        data = read_private(path, limit_bytes)
    except (VaultError, ValueError):
        return None
    return data if len(data) <= limit_bytes else None


def write_small(path: Path, data: bytes) -> None:
    """Replaces the file; on any error the old one stands. Raises OSError."""
    try:
        make_folder(path.parent)
    except VaultError as e:
        raise SmallFileProblem(0, str(e)) from e
    _sweep(path)
    replace_file(path, data)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Tells one state of a file from another."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _sweep(path: Path) -> None:
    """Removes what writers that were killed have left."""
    with contextlib.suppress(OSError):
        for found in leftovers(path):
            if time.time() - found.lstat().st_mtime > LEFT_OVER_S:
                found.unlink()
