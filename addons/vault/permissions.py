"""Files that hold secrets: nobody else may read or change them, and no link may stand in for them."""

import errno
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

from addons.vault.errors import VaultError, VaultMissing, VaultPermissions

type Check = Callable[[Path, os.stat_result], None]
"""Raises VaultPermissions for a file that others could read or change."""


def check_private(path: Path, found: os.stat_result) -> None:
    """Raises VaultPermissions unless it is a regular file of ours, mode 0600 or stricter, with one name."""
    if not stat.S_ISREG(found.st_mode):
        raise VaultPermissions(f"{path} is not a regular file; remove it or use another path")
    if found.st_uid != os.geteuid():
        raise VaultPermissions(f"{path} belongs to another user (uid {found.st_uid}); chown it or use another path")
    if found.st_mode & 0o077:
        raise VaultPermissions(f"{path} is open to others; run: chmod 600 {_quoted(path)}")
    if found.st_nlink > 1:  # none is a file replaced since it was opened: whole, and old
        raise VaultPermissions(f"{path} has {found.st_nlink} hard links; keep one and remove the others")


def check_handed_over(path: Path, found: os.stat_result) -> None:
    """The same for a file that the service manager hands over (systemd.exec(5), CREDENTIALS_DIRECTORY).

    It is root's, and an entry of its access list lets us read it, which shows as a right of the group; or it is ours.
    """
    if found.st_uid == os.geteuid():
        check_private(path, found)
    elif not stat.S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o037:
        raise VaultPermissions(f"{path} is not as a service manager hands a credential over; use another path")


def check_folder(folder: Path) -> None:
    """Raises VaultPermissions unless the folder is ours and others cannot write to it (nor list it)."""
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        raise VaultMissing(f"there is no folder {folder}") from None
    except OSError as e:
        raise VaultError(f"{folder} cannot be looked at: {e.strerror}") from e
    if stat.S_ISLNK(found.st_mode):
        raise VaultPermissions(f"{folder} is a symbolic link; name the folder itself as the vault's path")
    if not stat.S_ISDIR(found.st_mode):
        raise VaultPermissions(f"{folder} is not a folder")
    if found.st_uid != os.geteuid():
        raise VaultPermissions(f"{folder} belongs to another user (uid {found.st_uid}); use a folder of your own")
    if found.st_mode & 0o077:
        raise VaultPermissions(f"{folder} is open to others; run: chmod 700 {_quoted(folder)}")


def make_folder(folder: Path) -> None:
    """The folder, made with mode 0700 when it is missing, and checked."""
    if not os.path.lexists(folder):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as e:
            raise VaultError(f"{folder} cannot be made: {e.strerror}") from e
    check_folder(folder)


def open_private(path: Path, flags: int, check: Check = check_private) -> int:
    """A file descriptor of a private file, never through a link. Raises VaultMissing or VaultPermissions."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except FileNotFoundError:
        raise VaultMissing(f"there is no file {path}") from None
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise VaultPermissions(f"{path} is a symbolic link; remove it or use another path") from None
        kind = VaultPermissions if e.errno in (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO) else VaultError
        raise kind(f"{path} cannot be opened: {e.strerror}") from e
    try:
        check(path, os.fstat(descriptor))
    except VaultPermissions:
        os.close(descriptor)
        raise
    return descriptor


def read_private(path: Path, limit_bytes: int, check: Check = check_private) -> bytes:
    """The content of a private file, one byte over the limit at most. Raises VaultMissing or VaultPermissions."""
    return read_descriptor(open_private(path, os.O_RDONLY, check), path, limit_bytes)[0]


def read_descriptor(descriptor: int, path: Path, limit_bytes: int) -> tuple[bytes, os.stat_result]:
    """Content (one byte over the limit at most) and state of an open file, which is closed."""
    try:
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            return file.read(limit_bytes + 1), found
    except OSError as e:
        raise VaultError(f"{path} cannot be read: {e.strerror}") from e


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
