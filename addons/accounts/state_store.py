"""Where the records of accounts outlive the process and are shared with others: in a small file beside the vault.

Reads and writes are of a mirror in memory, so that no request waits for a disk; jobs `save` what was put and take up
what others have `reset`. Several machines need another StateStore over the same mirror, and no edit elsewhere.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from addons.accounts.account_record import EMPTY, RESET, AccountId, AccountRecord, document, records_in, resets_in
from addons.accounts.health import AccountState, Health
from addons.vault.errors import VaultBusy
from addons.vault.lock import locked
from addons.vault.small_files import read_small, stamp_of, write_small

log = logging.getLogger("glassgate.accounts")

FILE_NAME: Final = "accounts.json"
LOCK_WAIT_S: Final = 60.0
LOCK_POLL_S: Final = 0.05


class StateStore(Protocol):
    """Records by account."""

    def get(self, key: AccountId) -> AccountRecord:
        """What was put last, here or by an earlier process; an empty record when nothing was."""
        ...

    def put(self, key: AccountId, record: AccountRecord, *, worth_saving: bool = True) -> None: ...

    def keep_only(self, keys: Collection[AccountId]) -> None:
        """Forgets all others."""
        ...

    async def save(self) -> None:
        """Makes what was put outlive the process. What goes wrong is logged: the gateway serves without it."""
        ...

    async def resets(self) -> list[AccountId]:
        """Accounts that somebody else has reset since; their records are empty but for that."""
        ...

    def lock(self, key: AccountId) -> AbstractAsyncContextManager[None]:
        """Held by one at a time, of all who use the store. Raises VaultBusy after LOCK_WAIT_S."""
        ...


class MemoryStateStore:
    """The mirror: records that end with the process. `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._locks: dict[AccountId, asyncio.Lock] = {}
        self._reset: list[AccountId] = []

    @cached_property
    def _records(self) -> dict[AccountId, AccountRecord]:
        return {}

    def get(self, key: AccountId) -> AccountRecord:
        return self._records.get(key, EMPTY)

    def put(self, key: AccountId, record: AccountRecord, *, worth_saving: bool = True) -> None:
        self._records[key] = record

    def keep_only(self, keys: Collection[AccountId]) -> None:
        for key in [known for known in self._records if known not in keys]:
            del self._records[key]

    def reset(self, keys: Collection[AccountId]) -> bool:
        """Forgets what stands against the accounts, for those who ask for `resets`; False: that was not kept."""
        for key in keys:
            self._take_reset(key, AccountState(Health.OK, int(self._now()), None, RESET))
            self._reset.append(key)
        return True

    async def save(self) -> None:
        pass

    async def resets(self) -> list[AccountId]:
        found, self._reset = self._reset, []
        return found

    @asynccontextmanager
    async def lock(self, key: AccountId) -> AsyncIterator[None]:
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), LOCK_WAIT_S)
        except TimeoutError:
            raise VaultBusy(f"{'/'.join(key)} has been locked for {LOCK_WAIT_S:g} s") from None
        try:
            yield
        finally:
            lock.release()

    def _take_reset(self, key: AccountId, state: AccountState) -> None:
        """Limits go; the starts of the day have happened all the same."""
        self._records[key] = AccountRecord(state, {}, self.get(key).starts)


class FileStateStore(MemoryStateStore):
    """The mirror of a JSON file, which is read when it is first needed. One that cannot be read counts as empty; one
    that cannot be written is said once.

    `clean` cleans what the file says that others have written. The files of the locks lie beside `beside`.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], clean: Callable[[str], str] = str, beside: Path | None = None
    ) -> None:
        super().__init__(now)
        self._path = path
        self._beside = beside or path
        self._clean = clean
        self._stamp: object = None
        self._dirty = False
        self._complained = False

    @cached_property
    def _records(self) -> dict[AccountId, AccountRecord]:
        self._stamp = stamp_of(self._path)
        return records_in(read_small(self._path) or b"", self._now(), self._clean)

    def put(self, key: AccountId, record: AccountRecord, *, worth_saving: bool = True) -> None:
        super().put(key, record)
        self._dirty = self._dirty or worth_saving

    def unsaved(self) -> Mapping[AccountId, AccountRecord] | None:
        """What the file should hold; None when it does, or when it holds a reset not seen yet."""
        if not self._dirty or stamp_of(self._path) != self._stamp:
            return None
        self._dirty = False
        return dict(self._records)

    def write(self, records: Mapping[AccountId, AccountRecord] | None) -> None:
        """Writes what `unsaved` gave. Blocks on the disk; may be called in a thread."""
        if records is None:
            return
        try:
            write_small(self._path, json.dumps(document(records)).encode())  # ASCII: every string can be written
        except OSError as e:
            if not self._complained:
                log.warning("the states of the accounts cannot be written to %s: %s", self._path, e.strerror or e)
            self._complained = True
        else:
            self._complained = False
            self._stamp = stamp_of(self._path)

    async def save(self) -> None:
        await asyncio.to_thread(self.write, self.unsaved())

    def reset(self, keys: Collection[AccountId]) -> bool:
        """Writes at once, for a running gateway. Blocks on the disk."""
        super().reset(keys)
        self._dirty = True
        self.write(self.unsaved())
        return not self._complained

    async def resets(self) -> list[AccountId]:
        """Looks at the file only when it is another one, in a thread."""
        known, stamp = self._records, stamp_of(self._path)
        if stamp == self._stamp:
            return []
        self._stamp = stamp
        found = []
        for key, told in (await asyncio.to_thread(self._resets_in_file)).items():
            mine = known[key].state if key in known else None
            if mine is None or mine.reason != RESET or mine.since < told.since:
                self._take_reset(key, told)
                found.append(key)
        return found

    def _resets_in_file(self) -> Mapping[AccountId, AccountState]:
        return resets_in(read_small(self._path) or b"", self._now())

    @asynccontextmanager
    async def lock(self, key: AccountId) -> AsyncIterator[None]:
        """Among processes, not threads; tried again and again, without blocking the event loop."""
        deadline = asyncio.get_running_loop().time() + LOCK_WAIT_S
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(locked(self.lock_file(key), 0))
                    break
                except VaultBusy:
                    if asyncio.get_running_loop().time() >= deadline:
                        raise
                await asyncio.sleep(LOCK_POLL_S)
            yield

    def lock_file(self, key: AccountId) -> Path:
        name = hashlib.sha256("/".join(key).encode()).hexdigest()[:16]
        return self._beside.with_name(f"{self._beside.name}.{name}.lock")
