"""The file of managed keys beside the vault: read, and replaced whole under a lock. Blocks on the disk."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from addons.keys import managed
from addons.keys.managed import MOST_KEYS, KeysProblem, ManagedKey
from addons.vault.errors import VaultMissing
from addons.vault.lock import locked
from addons.vault.permissions import read_private
from addons.vault.small_files import LIMIT_BYTES, stamp_of, write_small
from addons.vault.store import Vault

FILE_NAME: Final = "keys.json"
_VALUE_NAME: Final = "managed keys"
"""Of the random value in the vault."""
PREFIX: Final = "sk-glassgate-"
_LOCK_S: Final = 5.0

type Stamp = tuple[int, int, int] | None
type Change = Callable[[tuple[ManagedKey, ...], bytes], tuple[ManagedKey, ...]]
"""From the keys there are, and the value that hashes them, to those there shall be."""


def keys_path(vault: Path) -> Path:
    """Where the managed keys of a vault are kept."""
    return vault.with_name(FILE_NAME)


def new_token() -> str:
    """A client key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The managed keys of one vault."""

    vault: Vault

    @property
    def path(self) -> Path:
        return keys_path(self.vault.path)

    def stamp(self) -> Stamp:
        """Tells one state of the file from another; None where there is none."""
        return stamp_of(self.path)

    def secret(self) -> bytes:
        """The value that hashes the keys; nothing where no key was made yet. Raises VaultError."""
        return self.vault.own_secret(_VALUE_NAME)

    def read(self) -> tuple[ManagedKey, ...]:
        """The keys; none where there is no file. Raises KeysProblem, VaultError."""
        try:
            data = read_private(self.path, LIMIT_BYTES)
        except VaultMissing:
            return ()
        if len(data) > LIMIT_BYTES:
            raise KeysProblem(f"{self.path} is larger than {LIMIT_BYTES // 2**20} MiB; put back a backup")
        return managed.read(data, self.vault.id, self.secret())

    def change(self, change: Change) -> tuple[ManagedKey, ...]:
        """Replaces the keys under the lock; gives those there are now. Raises KeysProblem, VaultError, OSError, and
        what `change` raises."""
        secret = self.vault.make_own_secret(_VALUE_NAME)
        with locked(self.path.with_name(f"{FILE_NAME}.lock"), _LOCK_S):
            keys = change(self.read(), secret)
            if len(keys) > MOST_KEYS:
                raise KeysProblem(f"at most {MOST_KEYS} keys can be kept; revoke some that are not used")
            data = managed.write(keys, self.vault.id, secret)
            if len(data) > LIMIT_BYTES:
                raise KeysProblem("the file of managed keys would grow too large; revoke keys that are not used")
            write_small(self.path, data)
        return keys
