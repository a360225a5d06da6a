"""Replacing a file so that at every moment, power cut included, the old or the new one is there whole. The one way.

Write, sync, rename, sync the folder. The temporary file has a name nobody can foresee, is made anew, never through a
link, and only its owner can read it.
"""

import fcntl
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path


class Unconfirmed(OSError):
    """The new file is in its place, but the disk did not confirm that it will stay there."""


def replace_file(
    path: Path, data: bytes, *, sync: bool = True, unique: str = "", verify: Callable[[Path], None] | None = None
) -> os.stat_result:
    """Puts `data` at `path`, mode 0600; gives the new file's state. Blocks on the disk.

    `unique` is a part of the temporary name; `verify` looks at the written file before it takes the place. On any error
    but Unconfirmed the old file stands and the temporary one is gone. Raises OSError, and what `verify` raises.
    """
    temporary = path.with_name(f"{_prefix(path)}{unique or secrets.token_hex(9)}.tmp")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _fill(descriptor, data)
        if sync:
            _sync(descriptor)
        if verify is not None:
            verify(temporary)
        os.replace(temporary, path)
        found = os.fstat(descriptor)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    finally:
        os.close(descriptor)
    if sync:
        _sync_folder(path.parent)
    return found


def leftovers(path: Path) -> Iterator[Path]:
    """Temporary files for `path`, of writers that were killed or are at work. Raises OSError."""
    for name in os.listdir(path.parent):
        if name.startswith(_prefix(path)) and name.endswith(".tmp"):
            yield path.with_name(name)


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _fill(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _sync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as e:
        raise Unconfirmed(e.errno, e.strerror) from e


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # fsync stops at the drive's own cache there (man 2 fsync)
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)
