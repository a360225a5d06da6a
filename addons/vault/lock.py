"""The lock beside the vault: one writer at a time, among processes and threads.

flock on a file of its own, because the vault's file is replaced at every write. The lock's file is never replaced,
removed or written to, and the kernel frees it when its holder dies. (The filelock package would open a FIFO, a hard
link or a file of mode 0666, and falls back to a lock that outlives its holder where flock is missing.)
"""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from addons.vault.errors import VaultBusy, VaultError
from addons.vault.permissions import open_private

_POLL_S: Final = 0.004


@contextmanager
def locked(
    path: Path,
    wait_s: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Holds the lock. Raises VaultBusy after `wait_s`, VaultPermissions for a file that is not a proper lock."""
    deadline = clock() + wait_s
    while (descriptor := _taken(path)) is None:
        if clock() >= deadline:
            raise VaultBusy(f"another process has held {path} for {wait_s:g} s; try again, or end that process")
        sleep(_POLL_S)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked child may still have the descriptor open
        os.close(descriptor)


def _taken(path: Path) -> int | None:
    """A descriptor that holds the lock, or None when somebody else does."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(path, descriptor):
            return descriptor
    except OSError as e:
        if e.errno not in (errno.EACCES, errno.EAGAIN):
            os.close(descriptor)
            raise VaultError(f"{path} cannot be locked: {e.strerror}; keep the vault on a local disk") from e
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the locked file is still the one of that name; a lock on a removed file keeps nobody out."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
