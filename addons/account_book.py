"""The book of account states: kept in memory, written to a small file beside the vault, read by the command line too.

It holds names, states, times and the provider's words, no secret. A file that cannot be read counts as an empty book;
one that cannot be written is said once in the log: the gateway serves without it.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from addons.core.account_state import AccountState, Health
from addons.vault.errors import VaultError
from addons.vault.permissions import make_folder, read_private

log = logging.getLogger("glassgate.accounts")

FILE_NAME: Final = "accounts.json"
RESET: Final = "reset by hand"
_LIMIT_BYTES: Final = 4 * 1024 * 1024

type AccountId = tuple[str, str]


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")

    health: Health
    since: int
    until: int | None = None
    reason: str = ""

    def state(self) -> AccountState:
        return AccountState(self.health, self.since, self.until, self.reason)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    state: _State | None = None
    models: dict[str, _State] = {}
    starts: list[float] = []


class _File(BaseModel):
    version: int = 1
    accounts: dict[str, _Entry] = {}


class AccountBook:
    """States by account. `now` gives Unix seconds; `clean` cleans what a file says that others have written."""

    def __init__(self, path: Path, now: Callable[[], float], clean: Callable[[str], str] = str) -> None:
        self._path = path
        self._now = now
        self._clean = clean
        self._states: dict[AccountId, AccountState] = {}
        self._models: dict[AccountId, dict[str, AccountState]] = {}
        self._starts: dict[AccountId, list[float]] = {}
        for key, entry in _read(path).items():
            self._take(key, entry)
        self._stamp = _stamp(path)
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

    def note_model(self, account: AccountId, model: str, state: AccountState) -> None:
        """One model of the account is limited."""
        self._models.setdefault(account, {})[model] = state
        self._dirty = True
        log.warning("%s of account %s/%s is limited: %s", model, *account, state.reason)

    def models(self, account: AccountId) -> Mapping[str, AccountState]:
        """The models of the account that are limited now."""
        now = self._now()
        found = self._models.get(account, {})
        return {name: state for name, state in found.items() if state.now(now).health is Health.LIMITED}

    def lift(self, account: AccountId, model: str) -> None:
        """The account answered for the model."""
        if self._models.get(account, {}).pop(model, None):
            self._dirty = True

    def limits(self) -> Iterator[tuple[tuple[str, ...], AccountState]]:
        """What is limited: accounts by (provider, account), models by (provider, account, model)."""
        for key, state in self._states.items():
            if state.health is Health.LIMITED:
                yield key, state
        for key, models in self._models.items():
            for model, state in models.items():
                yield (*key, model), state

    def note_starts(self, account: AccountId, starts: list[float]) -> None:
        """When the account's requests of the last day began, in Unix seconds."""
        self._starts[account] = starts
        self._dirty = True

    def starts(self, account: AccountId) -> list[float]:
        return self._starts.get(account, [])

    def save(self) -> None:
        """Writes the file when something has changed, but not over a reset not seen yet. Blocks on the disk."""
        if not self._dirty or _stamp(self._path) != self._stamp:
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
            self._stamp = _stamp(self._path)

    def reset(self, accounts: Collection[AccountId]) -> bool:
        """Forgets what stands against the accounts and writes that down, for a running gateway; False: not written."""
        for account in accounts:
            self._models.pop(account, None)
            self._states[account] = AccountState(Health.OK, int(self._now()), None, RESET)
        self._dirty = True
        self.save()
        return not self._complained

    def resets(self) -> list[AccountId]:
        """Accounts that another process has reset since; looks at the file only when it is another one."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return []
        self._stamp = stamp
        found = []
        for key, entry in _read(self._path).items():
            mine = self._states.get(key)
            told = entry.state.state() if entry.state else None
            if told is None or told.reason != RESET:
                continue
            if mine is None or mine.reason != RESET or mine.since < told.since:
                self._states[key] = told
                self._models.pop(key, None)
                found.append(key)
        return found

    def _take(self, key: AccountId, entry: _Entry) -> None:
        if entry.state is not None:
            self._states[key] = self._told(entry.state)
        if entry.models:
            self._models[key] = {self._clean(name): self._told(state) for name, state in entry.models.items()}
        if entry.starts:
            self._starts[key] = entry.starts

    def _told(self, entry: _State) -> AccountState:
        return replace(entry.state(), reason=self._clean(entry.reason))

    def _write(self) -> None:
        make_folder(self._path.parent)
        content = _File(accounts={f"{p}/{a}": self._entry((p, a)) for p, a in self._known()})
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content.model_dump_json())
        temporary.replace(self._path)

    def _known(self) -> list[AccountId]:
        return list({**self._states, **self._models, **self._starts})

    def _entry(self, key: AccountId) -> _Entry:
        found = self._states.get(key)
        kept = found if found and found.health is not Health.REFRESHING else None
        models = {name: _State(**asdict(state)) for name, state in self._models.get(key, {}).items()}
        return _Entry(state=_State(**asdict(kept)) if kept else None, models=models, starts=self.starts(key))


def _read(path: Path) -> Mapping[AccountId, _Entry]:
    """What a gateway has written; nothing when there is no such file or it cannot be read."""
    try:
        found = _File.model_validate_json(read_private(path, _LIMIT_BYTES))
    except (VaultError, ValidationError):
        return {}
    if found.version != 1:
        return {}
    return {(name.partition("/")[0], name.partition("/")[2]): entry for name, entry in found.accounts.items()}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)
