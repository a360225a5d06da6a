"""The vault on disk: every read verifies, every write replaces the file whole.

Writers take the lock beside the file, read afresh and change that, never what they had in mind (durable.py has the rest
of a write). Readers need no lock. A file that turns bad while we run does not take the known sessions away.

`known` and `changed` cost nothing and may be called anywhere. Everything else may derive a slow key or wait for a lock:
on an event loop's thread it is to be called in another (addons/accounts/sessions.py does).
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from addons.vault import format as vault_format
from addons.vault import rekey
from addons.vault.durable import has_leftovers, replace_file, sweep
from addons.vault.encoding import SIZE_LIMIT_BYTES
from addons.vault.errors import (
    VaultBusy,
    VaultConflict,
    VaultDamaged,
    VaultError,
    VaultMissing,
    VaultRefused,
    VaultRollback,
    VaultVersion,
    WrongKey,
)
from addons.vault.facts import Facts, facts_of
from addons.vault.format import Document, Opened, Record
from addons.vault.kdf import DEFAULT_KDF
from addons.vault.keys import VaultKey
from addons.vault.lock import locked
from addons.vault.own_secrets import OWN, secret_in, with_secret
from addons.vault.permissions import check_folder, make_folder, open_private, read_descriptor
from addons.vault.rollback import RollbackGuard
from addons.vault.seen import Id, Refused, Seen, Stamp, stamp_of

log = logging.getLogger("glassgate")

LOCK_WAIT_S: Final = 5.0


class Vault:
    """An open vault. Methods raise VaultError; reading keeps to what was good when the file turns bad."""

    def __init__(
        self,
        path: Path,
        key: VaultKey,
        random: Callable[[int], bytes],
        now: Callable[[], float],
        sync: bool,
        guard: RollbackGuard | None = None,
    ) -> None:
        self.path = path
        self.problem: VaultError | None = None
        """Why the file as it stands now cannot be used, if so."""
        self._key = key
        self._random = random
        self._now = now
        self._sync = sync
        self._guard = guard
        self._seen = Seen(None, {})
        self._refused: Refused | None = None
        self._turn = threading.RLock()
        """Held from the reading of the file to the taking of what it says: a slow reader must not undo a writer."""

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
        guard: RollbackGuard | None = None,
    ) -> "Vault":
        """Opens an existing vault. Raises VaultMissing, WrongKey, VaultDamaged …"""
        vault = cls(path, key, random, now, sync, guard)
        with vault._turn:
            vault._load()
        if has_leftovers(path):
            with suppress(VaultBusy), locked(vault._lock_path, 0):
                sweep(path)
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
        guard: RollbackGuard | None = None,
        kdf: str = DEFAULT_KDF,
    ) -> "Vault":
        """Makes an empty vault; `kdf` is for passphrases. Raises VaultConflict when there is one already."""
        make_folder(path.parent)
        vault = cls(path, key, random, now, sync, guard)
        with vault._locked():
            if os.path.lexists(path):
                raise VaultConflict(f"there is a file {path} already")
            vault._replace(vault_format.new_document(key, random, vault._time(), kdf))
        return vault

    # -- reading --------------------------------------------------------------------------------------------------
    @property
    def known(self) -> Mapping[Id, Record]:
        """All sessions by (provider, account), as the file had them when it was last good; no I/O.

        The same object as long as they are the same.
        """
        return self._seen.records

    def refresh(self) -> None:
        """Reads the file again if it is another one by now; `problem` says why it cannot be used, if so."""
        with self._turn:
            if self.changed():
                try:
                    self._load()
                except VaultMissing as e:
                    self._refuse(Refused(None), e)
                except VaultError as e:
                    self.problem = e

    def records(self) -> Mapping[Id, Record]:
        """All sessions by (provider, account), as the file has them now."""
        self.refresh()
        return self.known

    def get(self, provider: str, account: str) -> Record | None:
        return self.records().get((provider, account))

    @property
    def id(self) -> bytes:
        """16 bytes, the same for as long as there is this vault; nothing where the file has not been read yet."""
        opened = self._seen.opened
        return opened.document.vault_id if opened is not None else b""

    def derived_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same for whoever opens this vault, until its data key is rotated.

        Nothing where the file has not been read yet.
        """
        return self._seen.derive(purpose)

    def own_secret(self, name: str) -> bytes:
        """The random value of that name; nothing where there is none. Unlike a derived key it outlives a rotation.

        Raises VaultDamaged.
        """
        record = self._seen.own(name)
        return secret_in(record) if record is not None else b""

    def make_own_secret(self, name: str) -> bytes:
        """The random value of that name, made where there is none."""
        with self._locked():
            document, stamp = self._read()
            made = with_secret(document, name, self._time(), self._random)
            if made is not document:
                self._replace(made)
            elif self._seen.opened is None or self._seen.opened.document is not document:
                self._take(vault_format.open_all(document, self._seen.opened), stamp)
            return self.own_secret(name)

    def facts(self) -> Facts:
        """The file as it is now, without secrets."""
        with self._turn:
            document, _ = self._read()
        return facts_of(document, self._key)

    def changed(self) -> bool:
        """Whether the file is another one than was read last, or may be read by now; costs a stat or two."""
        try:
            stamp = stamp_of(os.lstat(self.path))
        except OSError:
            stamp = None
        refused = self._refused
        if refused is None:
            return stamp != self._seen.stamp
        accepted = self._guard and refused.vault_id and self._guard.stamp(refused.vault_id) != refused.remembered
        return stamp != refused.stamp or bool(accepted)

    def _load(self) -> None:
        document, stamp = self._read()
        try:
            opened = vault_format.open_all(document, self._seen.opened)
        except VaultDamaged as e:
            self._refuse(Refused(stamp), e)
            raise
        self._take(opened, stamp)

    def _take(self, opened: Opened, stamp: Stamp) -> None:
        if opened is self._seen.opened:
            seen = replace(self._seen, stamp=stamp)
        else:
            records = {(one.provider, one.account): one for one in opened.records.values() if one.provider != OWN}
            seen = Seen(stamp, records, cache(partial(vault_format.derived_key, opened.document)), opened)
        self._seen, self._refused, self.problem = seen, None, None

    def _refuse(self, refused: Refused, problem: VaultError) -> None:
        """The file as it stands is bad: not read again until that changes, and said so until then."""
        self._refused, self.problem = refused, problem

    def _read(self) -> tuple[Document, Stamp]:
        data, stamp = self._read_file()
        try:
            document = vault_format.read(data, self._key, self._seen.opened)
        except (VaultDamaged, VaultVersion, WrongKey) as e:
            self._refuse(Refused(stamp), e)
            raise
        return self._guarded(document, stamp) if self._guard else (document, stamp)

    def _read_file(self) -> tuple[bytes, Stamp]:
        try:
            check_folder(self.path.parent)
            descriptor = open_private(self.path, os.O_RDONLY)
        except VaultMissing:
            raise VaultMissing(f"there is no vault at {self.path}") from None
        data, found = read_descriptor(descriptor, self.path, SIZE_LIMIT_BYTES)
        return data, stamp_of(found)

    def _guarded(self, document: Document, stamp: Stamp) -> tuple[Document, Stamp]:
        """Raises VaultRollback. A writer may have come in between our reading and the look at the guard: look again."""
        assert self._guard is not None
        remembered = self._guard.stamp(document.vault_id)
        seen = self._guard.seen(document.vault_id)
        if document.generation < seen:
            data, stamp = self._read_file()
            document = vault_format.read(data, self._key, self._seen.opened)
        try:
            self._guard.check(document.vault_id, seen, document.generation)
        except VaultRollback as e:
            self._refuse(Refused(stamp, document.vault_id, remembered), e)
            raise
        if document.generation > seen:
            self._guard.note(document.vault_id, document.generation)
        return document, stamp

    # -- writing --------------------------------------------------------------------------------------------------
    def put(self, provider: str, account: str, material: dict[str, Any], *, expected_rev: int | None = None) -> Record:
        """Stores a session. With `expected_rev` only over that revision (0: only if new); else VaultConflict."""
        key = (provider, account)
        made = self.put_all({key: (material, expected_rev)})[key]
        if isinstance(made, VaultError):
            raise made
        return made

    def put_all(self, sessions: Mapping[Id, tuple[dict[str, Any], int | None]]) -> Mapping[Id, Record | VaultError]:
        """Stores sessions in one write: material and expected revision by (provider, account), as `put` does.

        What is wrong with one of them is given in its place, and the others are stored."""
        with self._locked():
            document, _ = self._read()
            wrong: dict[Id, VaultError] = {}
            for key, (material, expected_rev) in sessions.items():
                try:
                    document = self._with_session(document, key, material, expected_rev)
                except (VaultConflict, VaultRefused) as e:
                    wrong[key] = e
            if len(wrong) < len(sessions):
                self._replace(document)
            return {key: wrong.get(key) or self._seen.records[key] for key in sessions}

    def _with_session(
        self, document: Document, key: Id, material: dict[str, Any], expected_rev: int | None
    ) -> Document:
        """Raises VaultConflict, VaultRefused."""
        provider, account = key
        vault_format.check_name(provider, "provider")
        vault_format.check_name(account, "account")
        record_id = vault_format.record_id_of(document, provider, account)
        rev = document.sealed[record_id]["rev"] if record_id in document.sealed else 0
        if expected_rev is not None and rev != expected_rev:
            raise VaultConflict(f"{provider}/{account} was changed meanwhile (revision {rev}, not {expected_rev})")
        record = Record(provider, account, vault_format.next_rev(document, record_id), self._time(), material)
        return vault_format.with_record(document, record, self._random)

    def remove(self, provider: str, account: str) -> bool:
        """Removes a session; False when there was none."""
        vault_format.check_name(provider, "provider")
        vault_format.check_name(account, "account")
        with self._locked():
            document, _ = self._read()
            record_id = vault_format.record_id_of(document, provider, account)
            if record_id not in document.sealed:
                return False
            self._replace(vault_format.without_record(document, record_id))
            return True

    # -- keys -----------------------------------------------------------------------------------------------------
    def add_key(self, key: VaultKey, *, kdf: str = DEFAULT_KDF) -> None:
        """Adds a key that opens the vault too."""
        with self._locked():
            document, _ = self._read()
            self._replace(rekey.with_key(document, key, self._random, kdf))

    def remove_slot(self, slot_id: str) -> None:
        """The key of that slot opens the vault no more. Raises VaultRefused for the one in use."""
        with self._locked():
            document, _ = self._read()
            self._replace(rekey.without_slot(document, slot_id, self._key))

    def change_key(self, key: VaultKey, *, kdf: str = DEFAULT_KDF) -> None:
        """Replaces the key in use by `key`; no record is touched."""
        with self._locked():
            document, _ = self._read()
            self._replace(rekey.with_other_key(document, self._key, key, self._random, kdf), key)

    def rotate_data_key(self, other_keys: Sequence[VaultKey] = ()) -> None:
        """Encrypts everything anew. Raises VaultRefused unless `other_keys` holds the key of every other slot."""
        with self._locked():
            document, _ = self._read()
            self._replace(rekey.with_new_data_key(document, (self._key, *other_keys), self._random))

    # -- details --------------------------------------------------------------------------------------------------
    @property
    def _lock_path(self) -> Path:
        return self.path.with_name(self.path.name + ".lock")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            check_folder(self.path.parent)
        except VaultMissing:
            raise VaultMissing(f"there is no vault at {self.path}") from None
        with self._turn, locked(self._lock_path, LOCK_WAIT_S):
            sweep(self.path)
            yield

    def _replace(self, document: Document, key: VaultKey | None = None) -> None:
        """Writes the next generation over the file; from then on `key` opens it, if given. Only under the lock."""
        document = replace(document, generation=document.generation + 1)
        data = vault_format.write(document)
        key = key or self._key
        opened: list[Opened] = []

        def verify(read_back: bytes) -> None:
            with suppress(VaultDamaged):
                if read_back == data:
                    known = self._seen.opened
                    opened.append(vault_format.open_all(vault_format.read(read_back, key, known), known))
                    return
            raise VaultError("what was written to the vault's disk comes back changed; the vault stands as it was")

        found = replace_file(self.path, data, self._random(9).hex(), sync=self._sync, verify=verify)
        self._key = key
        self._take(opened[0], stamp_of(found))
        if self._guard is not None:
            try:
                self._guard.note(document.vault_id, document.generation)
            except VaultError as e:  # the session is stored: to call that a failure would be the greater lie
                log.warning("the vault was written, but the rollback guard could not remember it: %s", e)

    def _time(self) -> int:
        return max(0, int(self._now()))
