"""Files that hold secrets: nobody else may read or change them, and no link may stand in for them."""

import os
import stat
from pathlib import Path

from addons.vault.errors import VaultMissing, VaultPermissions


def check_private(path: Path, found: os.stat_result) -> None:
    """Raises VaultPermissions unless it is a regular file of ours, mode 0600 or stricter, with one name."""
    if not stat.S_ISREG(found.st_mode):
        raise VaultPermissions(f"{path} is not a regular file")
    if found.st_uid != os.geteuid():
        raise VaultPermissions(f"{path} belongs to another user (uid {found.st_uid}); chown it or use another path")
    if found.st_mode & 0o077:
        raise VaultPermissions(f"{path} can be read by others; run: chmod 600 {path}")
    if found.st_nlink != 1:
        raise VaultPermissions(f"{path} has {found.st_nlink} hard links; keep one and remove the others")


def check_folder(folder: Path) -> None:
    """Raises VaultPermissions unless the folder is ours and others cannot write to it (nor list it)."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise VaultPermissions(f"{folder} is not a folder")
    if found.st_uid != os.geteuid():
        raise VaultPermissions(f"{folder} belongs to another user (uid {found.st_uid})")
    if found.st_mode & 0o077:
        raise VaultPermissions(f"{folder} is open to others; run: chmod 700 {folder}")


def make_folder(folder: Path) -> None:
    """The folder, made with mode 0700 when it is missing, and checked."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
    check_folder(folder)


def open_private(path: Path, flags: int) -> int:
    """A file descriptor of a private file, never through a link. Raises VaultMissing or VaultPermissions."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except FileNotFoundError:
        raise VaultMissing(f"there is no file {path}") from None
    except OSError as e:
        raise VaultPermissions(f"{path} cannot be opened: {e.strerror}") from e
    try:
        check_private(path, os.fstat(descriptor))
    except VaultPermissions:
        os.close(descriptor)
        raise
    return descriptor


def read_private(path: Path) -> bytes:
    """The content of a private file. Raises VaultMissing or VaultPermissions."""
    with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
        return file.read()
