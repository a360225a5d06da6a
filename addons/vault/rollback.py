"""The rollback guard: an older copy of the whole file is a valid vault and cannot tell by itself that it is old.

The highest generation seen of each vault is kept in a folder apart from it, one small file a vault. Whoever can change
that folder too can undo it.
"""

import logging
import os
from pathlib import Path
from typing import Final

from addons.vault.errors import VaultError, VaultMissing, VaultPermissions, VaultRollback
from addons.vault.lock import locked
from addons.vault.permissions import make_folder, open_private, read_private
from addons.words.commands import command

log = logging.getLogger("glassgate")

_DIGITS: Final = 20
_WAIT_S: Final = 5.0


class RollbackGuard:
    """Remembers generations in `folder`. With `accept_older` it takes one older copy, once, and logs it."""

    def __init__(self, folder: Path, *, accept_older: bool = False) -> None:
        self.folder = folder
        self._accept_older = accept_older

    def seen(self, vault_id: bytes) -> int:
        """The highest generation seen, 0 for a vault that is new here. Raises VaultError."""
        self._make_folder()
        try:
            text = read_private(self._path(vault_id), _DIGITS)
        except VaultMissing:
            return 0
        if not text:  # made, but not yet written, by a process that died
            return 0
        if not text.isdigit():
            raise VaultError(f"{self._path(vault_id)} is damaged; remove it once you trust the vault as it is")
        return int(text)

    def check(self, vault_id: bytes, seen: int, generation: int) -> None:
        """Raises VaultRollback when `generation` is older than what had been seen before the file was read."""
        if generation >= seen:
            return
        if not self._accept_older:
            raise VaultRollback(
                f"the vault is older than the one seen last (generation {generation} after {seen}): an old copy was "
                "put back. Put the newer one back; or, if this was you: "
                f"{command('vault', 'check', '--accept-rollback')}"
            )
        self._accept_older = False
        self.accept(vault_id, generation)
        log.warning("an older copy of the vault was accepted: generation %d after %d", generation, seen)

    def stamp(self, vault_id: bytes) -> tuple[int, ...] | None:
        """Tells one state of what is remembered from another: a person may accept an older copy in another process."""
        try:
            found = os.lstat(self._path(vault_id))
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns)

    def note(self, vault_id: bytes, generation: int) -> None:
        """Raises what is remembered to `generation`; never lowers it."""
        self._make_folder()
        path = self._path(vault_id)
        with locked(path.with_suffix(".lock"), _WAIT_S):
            if self.seen(vault_id) < generation:
                self._write(path, generation)

    def accept(self, vault_id: bytes, generation: int) -> None:
        """Takes an older copy as the valid one: a decision of the person."""
        self._make_folder()
        path = self._path(vault_id)
        with locked(path.with_suffix(".lock"), _WAIT_S):
            self._write(path, generation)

    def _make_folder(self) -> None:
        try:
            make_folder(self.folder)
        except VaultPermissions:
            raise
        except VaultError as e:
            raise VaultError(
                f"{e}. The vault's generation is remembered there: let XDG_STATE_HOME name a folder that can be "
                "written, or set vault.rollback_guard: false"
            ) from e

    def _path(self, vault_id: bytes) -> Path:
        return self.folder / vault_id.hex()

    def _write(self, path: Path, generation: int) -> None:
        """In place and always of one length, so that a crash leaves the old number or the new one."""
        try:
            descriptor = open_private(path, os.O_WRONLY | os.O_CREAT)
            try:
                os.pwrite(descriptor, b"%0*d" % (_DIGITS, generation), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as e:
            raise VaultError(f"{path} cannot be written: {e.strerror}") from e
