"""The vault on disk: every read verifies, every write replaces the file whole.

Writers take the lock beside the file, read afresh, change that, write a temporary file, sync it, read it back, and move
it over the old one. Readers need no lock. A file that turns bad while we run does not take the known sessions away.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import filelock

from addons.vault import format as vault_format
from addons.vault.encoding import b64
from addons.vault.errors import VaultBusy, VaultConflict, VaultDamaged, VaultError, VaultMissing, VaultPermissions
from addons.vault.format import Document, Record
from addons.vault.keys import VaultKey, hkdf
from addons.vault.permissions import check_folder, make_folder, open_private

LOCK_WAIT_S: Final = 5.0
STALE_S: Final = 3600

type _Stamp = tuple[int, int, int, int]
type Id = tuple[str, str]


class Vault:
    """An open vault. Methods raise VaultError; reading keeps to what was good when the file turns bad."""

    def __init__(
        self, path: Path, key: VaultKey, random: Callable[[int], bytes], now: Callable[[], float], sync: bool
    ) -> None:
        self.path = path
        self.problem: VaultError | None = None
        """Why the file as it stands now cannot be used, if so."""
        self._key = key
        self._random = random
        self._now = now
        self._sync = sync
        self._stamp: _Stamp | None = None
        self._records: Mapping[Id, Record] = {}

    def __repr__(self) -> str:
        return f"Vault({str(self.path)!r})"

    @classmethod
    def open(
        cls,
        path: Path,
        key: VaultKey,
        *,
        random: Callable[[int], bytes] = os.urandom,
        now: Callable[[], float] = time.time,
        sync: bool = True,
    ) -> "Vault":
        """Opens an existing vault. Raises VaultMissing, WrongKey, VaultDamaged …"""
        vault = cls(path, key, random, now, sync)
        vault._load()
        return vault

    @classmethod
    def create(
        cls,
        path: Path,
        key: VaultKey,
        *,
        random: Callable[[int], bytes] = os.urandom,
        now: Callable[[], float] = time.time,
        sync: bool = True,
    ) -> "Vault":
        """Makes an empty vault. Raises VaultConflict when there is one already."""
        make_folder(path.parent)
        vault = cls(path, key, random, now, sync)
        with vault._locked():
            if os.path.lexists(path):
                raise VaultConflict(f"there is a file {path} already")
            vault._replace(vault_format.new_document(key, random, int(now())))
        vault._load()
        return vault

    # -- reading --------------------------------------------------------------------------------------------------
    def records(self) -> Mapping[Id, Record]:
        """All sessions by (provider, account), as the file has them now."""
        if self.changed():
            try:
                self._load()
            except VaultError as e:
                self.problem = e
        return self._records

    def get(self, provider: str, account: str) -> Record | None:
        return self.records().get((provider, account))

    def changed(self) -> bool:
        """Whether the file is another one than was read last; costs one stat."""
        try:
            return _stamp(os.lstat(self.path)) != self._stamp
        except OSError:
            return self._stamp is not None

    def _load(self) -> None:
        document, stamp = self._read()
        self._records = {(r.provider, r.account): r for r in _opened(document)}
        self._stamp = stamp
        self.problem = None

    def _read(self) -> tuple[Document, _Stamp]:
        if not self.path.parent.exists():
            raise VaultMissing(f"there is no vault at {self.path}")
        check_folder(self.path.parent)
        with os.fdopen(open_private(self.path, os.O_RDONLY), "rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            data = file.read()
        return vault_format.read(data, self._key), stamp

    # -- writing --------------------------------------------------------------------------------------------------
    def put(self, provider: str, account: str, material: dict[str, Any], *, expected_rev: int | None = None) -> Record:
        """Stores a session. With `expected_rev` only over that revision (0: only if new); else VaultConflict."""
        with self._locked():
            document, _ = self._read()
            record_id = self._record_id(document, provider, account)
            rev = document.sealed[record_id]["rev"] if record_id in document.sealed else 0
            if expected_rev is not None and rev != expected_rev:
                raise VaultConflict(f"{provider}/{account} was changed meanwhile (revision {rev}, not {expected_rev})")
            record = Record(provider, account, rev + 1, int(self._now()), material)
            self._replace(vault_format.with_record(document, record_id, record, self._random))
        self._load()
        return record

    def remove(self, provider: str, account: str) -> bool:
        """Removes a session; False when there was none."""
        with self._locked():
            document, _ = self._read()
            record_id = self._record_id(document, provider, account)
            if record_id not in document.sealed:
                return False
            self._replace(vault_format.without_record(document, record_id))
        self._load()
        return True

    @staticmethod
    def _record_id(document: Document, provider: str, account: str) -> str:
        """The same account has the same id in a vault; the id tells nobody else the account's name."""
        return b64(hkdf(document.ring[min(document.ring)], f"record-id/{provider}/{account}", document.vault_id)[:16])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock_path = self.path.with_name(self.path.name + ".lock")
        if lock_path.is_symlink():
            raise VaultPermissions(f"{lock_path} is a link; remove it")
        lock = filelock.FileLock(lock_path, timeout=LOCK_WAIT_S, mode=0o600, is_singleton=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise VaultBusy(f"another process has held {lock_path} for {LOCK_WAIT_S:g} s; try again") from None
        except OSError as e:
            raise VaultPermissions(f"{lock_path} cannot be locked: {e.strerror}") from e
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def _replace(self, document: Document) -> None:
        """Writes the next generation over the file. On any error the old file stands and the temporary one is gone."""
        document = replace(document, generation=document.generation + 1)
        data = vault_format.write(document)
        temporary = self.path.with_name(f".{self.path.name}.{b64(self._random(9))}.tmp")
        try:
            self._write(temporary, data)
            if vault_format.read(temporary.read_bytes(), self._key).generation != document.generation:
                raise VaultDamaged("read back")
            os.replace(temporary, self.path)
        except OSError as e:
            raise VaultError(f"the vault cannot be written ({e.strerror}); it stands as it was") from e
        finally:
            with suppress(OSError):
                temporary.unlink()
        self._sync_folder()

    def _write(self, path: Path, data: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if self._sync:
                os.fsync(file.fileno())

    def _sync_folder(self) -> None:
        if not self._sync:
            return
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Removes temporary files that a killed writer left behind."""
        for left in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            with suppress(OSError):
                if self._now() - left.lstat().st_mtime > STALE_S:
                    left.unlink()


def _opened(document: Document) -> Iterator[Record]:
    for record_id in document.sealed:
        yield vault_format.open_record(document, record_id)


def _stamp(found: os.stat_result) -> _Stamp:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
