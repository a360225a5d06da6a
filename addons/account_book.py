"""The book of account states: kept in memory, written to a small file beside the vault, read by the command line too.

It holds names, states, times and the provider's words, no secret. A file that cannot be read counts as an empty book;
one that cannot be written is said once in the log: the gateway serves without it.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from addons.core.account_state import AccountState, Health
from addons.vault.errors import VaultError
from addons.vault.permissions import make_folder, read_private

log = logging.getLogger("glassgate.accounts")

FILE_NAME: Final = "accounts.json"
_LIMIT_BYTES: Final = 4 * 1024 * 1024

type AccountId = tuple[str, str]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    health: Health
    since: int
    until: int | None = None
    reason: str = ""


class _File(BaseModel):
    version: int = 1
    accounts: dict[str, _Entry] = {}


class AccountBook:
    """States by account. `now` gives Unix seconds."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._states: dict[AccountId, AccountState] = dict(read_states(path))
        self._dirty = False
        self._complained = False

    def state(self, account: AccountId) -> AccountState | None:
        """What was last noted of an account, limits that have passed left out; None when nothing was."""
        found = self._states.get(account)
        return found.now(self._now()) if found else None

    def note(self, account: AccountId, state: AccountState) -> None:
        """Takes a state down; the log tells when it is another one than before."""
        before = self._states.get(account)
        if before and (before.health, before.until, before.reason) == (state.health, state.until, state.reason):
            return
        self._states[account] = state
        self._dirty = self._dirty or state.health is not Health.REFRESHING
        if before is None or before.health is not state.health:
            level = logging.INFO if state.health in (Health.OK, Health.REFRESHING) else logging.WARNING
            log.log(level, "account %s/%s is %s: %s", *account, state.health.value, state.reason or "all is well")

    def note_ok(self, account: AccountId) -> None:
        self.note(account, AccountState(Health.OK, int(self._now())))

    def save(self) -> None:
        """Writes the file when something has changed. Blocks on the disk."""
        if not self._dirty:
            return
        self._dirty = False
        try:
            self._write()
        except (OSError, VaultError) as e:
            if not self._complained:
                log.warning("the states of the accounts cannot be written to %s: %s", self._path, e)
            self._complained = True
        else:
            self._complained = False

    def _write(self) -> None:
        make_folder(self._path.parent)
        kept = {f"{p}/{a}": asdict(s) for (p, a), s in self._states.items() if s.health is not Health.REFRESHING}
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "accounts": kept}, file, ensure_ascii=False)
        temporary.replace(self._path)


def read_states(path: Path) -> Mapping[AccountId, AccountState]:
    """The states a gateway has written; none when there is no such file or it cannot be read."""
    try:
        found = _File.model_validate_json(read_private(path, _LIMIT_BYTES))
    except (VaultError, ValidationError):
        return {}
    if found.version != 1:
        return {}
    states = {}
    for name, entry in found.accounts.items():
        provider, _, account = name.partition("/")
        states[provider, account] = AccountState(entry.health, entry.since, entry.until, entry.reason)
    return states
