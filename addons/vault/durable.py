"""Replacing a file so that at every moment, power cut included, the old or the new one is there whole."""

import fcntl
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from addons.vault.errors import VaultError
from addons.vault.permissions import read_private


def replace_file(
    path: Path, data: bytes, unique: str, *, sync: bool, verify: Callable[[bytes], None]
) -> os.stat_result:
    """Puts `data` at `path`, after `verify` saw it read back from the disk; gives the new file's state.

    On any error the old file stands and the temporary one is gone. To be called under the lock. Raises VaultError.
    """
    temporary = path.with_name(f"{_prefix(path)}{unique}.tmp")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _fill(temporary, descriptor, data, sync=sync, verify=verify)
            os.replace(temporary, path)
            found = os.fstat(descriptor)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        finally:
            os.close(descriptor)
    except OSError as e:
        raise VaultError(f"the vault cannot be written ({e.strerror}); it stands as it was") from e
    if sync:
        _sync_folder(path.parent)
    return found


def sweep(path: Path) -> None:
    """Removes temporary files of writers that were killed. To be called under the lock: then no other kind is there."""
    with suppress(OSError):
        for name in os.listdir(path.parent):
            if name.startswith(_prefix(path)) and name.endswith(".tmp"):
                with suppress(OSError):
                    path.with_name(name).unlink()


def has_leftovers(path: Path) -> bool:
    """Whether there is a temporary file, of a writer that was killed or is at work."""
    try:
        return any(name.startswith(_prefix(path)) and name.endswith(".tmp") for name in os.listdir(path.parent))
    except OSError:
        return False


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _fill(path: Path, descriptor: int, data: bytes, *, sync: bool, verify: Callable[[bytes], None]) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    if sync:
        _sync(descriptor)
    verify(read_private(path, len(data)))


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _sync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as e:
        raise VaultError(
            f"the vault was written, but the disk did not confirm it ({e.strerror}); check the disk and look again"
        ) from e


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # fsync stops at the drive's own cache there (man 2 fsync)
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)
