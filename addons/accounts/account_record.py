"""What is written down of an account: its state, its limited models, its starts of the last day. No secret in it.

The file it stands in is plain, outside the vault's seal: what it says is taken within bounds. Whoever edits it can
make an account rest for a month, and that a person sees and resets; not for years, and not with words that act on a
terminal.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from addons.accounts.cooldown import CHALLENGE_REST
from addons.accounts.health import REASON_LIMIT, AccountState, Health
from addons.config.names import is_name
from addons.errors import clean
from providers.formats.jsontext import loads, mapping
from providers.shared.retry_after import LONGEST_S

type AccountId = tuple[str, str]
"""(provider name, account name), both as in config.yaml."""

MODELS_KEPT: Final = 500
"""Models of one account that are remembered."""
NAME_LIMIT: Final = 200
ACCOUNTS_LIMIT: Final = 10_000
VALUES_LIMIT: Final = 200_000
"""JSON values of the file."""
STARTS_LIMIT: Final = 100_000
"""Starts of one account within a day."""
RESET: Final = "reset by hand"
"""The reason of a state that a person has reset."""
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account's record. A change makes another one, so that a record can be written in a thread."""

    state: AccountState | None = None
    models: Mapping[str, AccountState] = field(default_factory=dict)
    """Those that were limited."""
    starts: Sequence[float] = ()
    """When the requests of the last day began, in Unix seconds, oldest first; only where their number is limited."""

    def fields(self) -> dict[str, object]:
        """As JSON. A renewal under way is of this process and not told."""
        kept = self.state if self.state and self.state.health is not Health.REFRESHING else None
        models = {clean(name, NAME_LIMIT): _fields(state) for name, state in self.models.items()}
        return {"state": _fields(kept) if kept else None, "models": models, "starts": list(self.starts)}


EMPTY: Final = AccountRecord()


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


def document(records: Mapping[AccountId, AccountRecord]) -> dict[str, object]:
    """Records of accounts as the JSON of the file."""
    return {"version": 1, "accounts": {"/".join(key): record.fields() for key, record in records.items()}}


def records_in(content: bytes, now_s: float, cleaned: Callable[[str], str]) -> dict[AccountId, AccountRecord]:
    """The records of a file, within bounds; none where it makes no sense. `cleaned` cleans what sites have said."""
    found: dict[AccountId, AccountRecord] = {}
    for key, value in _accounts_in(content):
        try:
            found[key] = _record(_Entry.model_validate(value), now_s, cleaned)
        except ValidationError:
            return {}
    return found


def resets_in(content: bytes, now_s: float) -> dict[AccountId, AccountState]:
    """The states that were reset by hand. In a thread others have their turn between two of its steps."""
    found = {}
    for key, value in _accounts_in(content):
        state = mapping(mapping(value).get("state"))
        if state.get("reason") != RESET:
            continue
        try:
            found[key] = _State.model_validate(state).state(now_s)
        except ValidationError:
            continue
    return found


def _record(entry: _Entry, now_s: float, cleaned: Callable[[str], str]) -> AccountRecord:
    def told(found: _State) -> AccountState:
        state = found.state(now_s)
        return replace(state, reason=cleaned(state.reason))

    kept = islice(entry.models.items(), MODELS_KEPT)
    models = {cleaned(clean(name, NAME_LIMIT)): told(state) for name, state in kept}
    starts = [at for at in entry.starts[:STARTS_LIMIT] if math.isfinite(at) and now_s - _DAY_S < at <= now_s]
    return AccountRecord(told(entry.state) if entry.state is not None else None, models, sorted(starts))


def _accounts_in(content: bytes) -> Iterator[tuple[AccountId, object]]:
    """The entries of the file, unchecked."""
    found = mapping(loads(content, VALUES_LIMIT))
    if found.get("version", 1) != 1:
        return
    for name, value in islice(mapping(found.get("accounts")).items(), ACCOUNTS_LIMIT):
        provider, _, account = name.partition("/")
        if is_name(provider) and is_name(account):
            yield (provider, account), value


def _fields(state: AccountState) -> dict[str, object]:
    return {"health": state.health.value, "since": state.since, "until": state.until, "reason": state.reason}
