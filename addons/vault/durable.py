"""Replacing the vault's file (addons/vault/replacing.py), with what was written read back from the disk first."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from addons.vault import replacing
from addons.vault.errors import VaultError
from addons.vault.permissions import read_private


def replace_file(
    path: Path, data: bytes, unique: str, *, sync: bool, verify: Callable[[bytes], None]
) -> os.stat_result:
    """Puts `data` at `path`, after `verify` saw it read back from the disk; gives the new file's state.

    On any error the old file stands and the temporary one is gone. To be called under the lock. Raises VaultError.
    """
    try:
        return replacing.replace_file(
            path,
            data,
            sync=sync,
            unique=unique,
            verify=lambda temporary: verify(read_private(temporary, len(data))),
        )
    except replacing.Unconfirmed as e:
        raise VaultError(
            f"the vault was written, but the disk did not confirm it ({e.strerror}); check the disk and look again"
        ) from e
    except OSError as e:
        raise VaultError(f"the vault cannot be written ({e.strerror}); it stands as it was") from e


def sweep(path: Path) -> None:
    """Removes temporary files of writers that were killed. To be called under the lock: then no other kind is there."""
    with suppress(OSError):
        for left in replacing.leftovers(path):
            with suppress(OSError):
                left.unlink()


def has_leftovers(path: Path) -> bool:
    """Whether there is a temporary file, of a writer that was killed or is at work."""
    try:
        return any(True for _ in replacing.leftovers(path))
    except OSError:
        return False
