"""The states of accounts: kept in memory, written to a small file beside the vault, read by the command line too.

It holds names, states, times and the provider's words, no secret. A file that cannot be read counts as an empty one;
one that cannot be written is said once in the log: the gateway serves without it.

The file is plain, outside the vault's seal: what it says is taken within bounds. Whoever edits it can make an account
rest for a month, and that a person sees and resets; not for years, and not with words that act on a terminal.
"""

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from addons.accounts.cooldown import CHALLENGE_REST
from addons.accounts.health import OF_ANSWERS, REASON_LIMIT, AccountState, Health
from addons.config.schema import is_name
from addons.errors import clean
from addons.vault.small_files import read_small, stamp_of, write_small
from providers.formats.jsontext import loads, mapping
from providers.shared.retry_after import LONGEST_S

log = logging.getLogger("glassgate.accounts")

FILE_NAME: Final = "accounts.json"
MODELS_KEPT: Final = 500
"""Limited models of one account that are remembered."""
RESET: Final = "reset by hand"
ACCOUNTS_LIMIT: Final = 10_000
VALUES_LIMIT: Final = 200_000
"""JSON values of the file."""
STARTS_LIMIT: Final = 100_000
"""Starts of one account within a day."""
_DAY_S: Final = 86_400
_NAME_LIMIT: Final = 200

type AccountId = tuple[str, str]


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")

    health: Health
    since: int
    until: int | None = None
    reason: str = ""

    def state(self, now_s: float) -> AccountState:
        """The state within bounds."""
        until = self.until
        if self.health is Health.LIMITED:
            until = min(until if until is not None else int(now_s), int(now_s) + LONGEST_S)
        since = max(0, min(self.since, int(now_s)))
        if self.health is Health.CHALLENGED and until is not None:
            until = min(until, since + int(CHALLENGE_REST.open_max_s))
        return AccountState(self.health, since, until, clean(self.reason, REASON_LIMIT))


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    state: _State | None = None
    models: dict[str, _State] = {}
    starts: list[float] = []


class AccountStateFile:
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
        self._stamp = stamp_of(path)
        self._dirty = False
        self._complained = False

    def keep_only(self, accounts: Collection[AccountId]) -> None:
        """Forgets accounts that the configuration does not have."""
        for table in (self._states, self._models, self._starts):
            for account in [known for known in table if known not in accounts]:
                del table[account]

    def state(self, account: AccountId) -> AccountState | None:
        """What was last noted of an account, limits that have passed left out; None when nothing was."""
        found = self._states.get(account)
        return found.now(self._now()) if found else None

    def note(self, account: AccountId, state: AccountState) -> None:
        """Takes a state down; the log tells when it is another one than before."""
        state = _clean(state)
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

    def note_known(self, account: AccountId, before: AccountState | None) -> None:
        """The site knows the account's session. How it answers chats, as noted before, is another matter."""
        if before is not None and before.health in OF_ANSWERS:
            self.note(account, before)
        else:
            self.note_ok(account)

    def note_model(self, account: AccountId, model: str, state: AccountState) -> None:
        """One model of the account is limited."""
        models = self._models.setdefault(account, {})
        models[model] = state = _clean(state)
        if len(models) > MODELS_KEPT:
            del models[min(models, key=lambda name: models[name].until or 0)]
        self._dirty = True
        log.warning("%s of account %s/%s is limited: %s", clean(model, _NAME_LIMIT), *account, state.reason)

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

    def challenges(self) -> Iterator[tuple[AccountId, AccountState]]:
        """Accounts whose site wants a human."""
        return ((key, state) for key, state in self._states.items() if state.health is Health.CHALLENGED)

    def note_starts(self, account: AccountId, starts: list[float]) -> None:
        """When the account's requests of the last day began, in Unix seconds."""
        self._starts[account] = starts
        self._dirty = True

    def starts(self, account: AccountId) -> list[float]:
        return self._starts.get(account, [])

    def unsaved(self) -> "Snapshot | None":
        """What the file should hold; None when it does, or when it holds a reset not seen yet."""
        if not self._dirty or stamp_of(self._path) != self._stamp:
            return None
        self._dirty = False
        models = {account: dict(found) for account, found in self._models.items()}
        return Snapshot(dict(self._states), models, dict(self._starts))

    def write(self, snapshot: "Snapshot | None") -> None:
        """Writes what `unsaved` gave. Blocks on the disk; may be called in a thread."""
        if snapshot is None:
            return
        try:
            write_small(self._path, snapshot.rendered())
        except OSError as e:
            if not self._complained:
                log.warning("the states of the accounts cannot be written to %s: %s", self._path, e.strerror or e)
            self._complained = True
        else:
            self._complained = False
            self._stamp = stamp_of(self._path)

    def save(self) -> None:
        """Writes the file when something has changed. Blocks on the disk."""
        self.write(self.unsaved())

    def reset(self, accounts: Collection[AccountId]) -> bool:
        """Forgets what stands against the accounts and writes that down, for a running gateway; False: not written."""
        for account in accounts:
            self._models.pop(account, None)
            self._states[account] = AccountState(Health.OK, int(self._now()), None, RESET)
        self._dirty = True
        self.save()
        return not self._complained

    async def resets(self) -> list[AccountId]:
        """Accounts that another process has reset since; looks at the file only when it is another one, in a thread."""
        stamp = stamp_of(self._path)
        if stamp == self._stamp:
            return []
        self._stamp = stamp
        found = []
        for key, told in (await asyncio.to_thread(_resets_in, self._path, self._now())).items():
            mine = self._states.get(key)
            if mine is None or mine.reason != RESET or mine.since < told.since:
                self._states[key] = told
                self._models.pop(key, None)
                found.append(key)
        return found

    def _take(self, key: AccountId, entry: _Entry) -> None:
        now = self._now()
        if entry.state is not None:
            self._states[key] = self._told(entry.state, now)
        if models := list(entry.models.items())[:MODELS_KEPT]:
            self._models[key] = {
                self._clean(clean(name, _NAME_LIMIT)): self._told(state, now) for name, state in models
            }
        starts = sorted(at for at in entry.starts[:STARTS_LIMIT] if math.isfinite(at) and now - _DAY_S < at <= now)
        if starts:
            self._starts[key] = starts

    def _told(self, entry: _State, now: float) -> AccountState:
        state = entry.state(now)
        return replace(state, reason=self._clean(state.reason))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The states at one moment, to be written in a thread."""

    states: Mapping[AccountId, AccountState]
    models: Mapping[AccountId, Mapping[str, AccountState]]
    starts: Mapping[AccountId, list[float]]

    def rendered(self) -> bytes:
        """The file's content."""
        known = {**self.states, **self.models, **self.starts}
        accounts = {f"{provider}/{name}": self._entry((provider, name)) for provider, name in known}
        return json.dumps({"version": 1, "accounts": accounts}).encode()  # ASCII: every string can be written

    def _entry(self, key: AccountId) -> dict[str, object]:
        found = self.states.get(key)
        kept = found if found and found.health is not Health.REFRESHING else None
        models = {clean(name, _NAME_LIMIT): _fields(state) for name, state in self.models.get(key, {}).items()}
        return {"state": _fields(kept) if kept else None, "models": models, "starts": self.starts.get(key, [])}


def _fields(state: AccountState) -> dict[str, object]:
    return {"health": state.health.value, "since": state.since, "until": state.until, "reason": state.reason}


def _clean(state: AccountState) -> AccountState:
    """With words that can be written down and shown, whoever said them."""
    return replace(state, reason=clean(state.reason, REASON_LIMIT)) if state.reason else state


def _read(path: Path) -> Mapping[AccountId, _Entry]:
    """What a gateway has written; nothing when there is no such file or it cannot be read."""
    entries: dict[AccountId, _Entry] = {}
    for key, value in _accounts_in(path):
        try:
            entries[key] = _Entry.model_validate(value)
        except ValidationError:
            return {}
    return entries


def _resets_in(path: Path, now_s: float) -> dict[AccountId, AccountState]:
    """The states that were reset by hand. In a thread others have their turn between two of its steps."""
    found = {}
    for key, value in _accounts_in(path):
        state = mapping(mapping(value).get("state"))
        if state.get("reason") != RESET:
            continue
        with contextlib.suppress(ValidationError):
            found[key] = _State.model_validate(state).state(now_s)
    return found


def _accounts_in(path: Path) -> Iterator[tuple[AccountId, object]]:
    """The entries of the file, unchecked."""
    found = mapping(loads(read_small(path) or b"", VALUES_LIMIT))
    if found.get("version", 1) != 1:
        return
    for name, value in islice(mapping(found.get("accounts")).items(), ACCOUNTS_LIMIT):
        provider, _, account = name.partition("/")
        if is_name(provider) and is_name(account):
            yield (provider, account), value
