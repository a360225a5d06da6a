"""An account's health as it is kept in the state store: what was recorded last, and what the log tells of changes."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from addons.accounts.account_record import MODELS_KEPT, NAME_LIMIT, AccountId
from addons.accounts.health import OF_ANSWERS, REASON_LIMIT, AccountState, Health
from addons.accounts.state_store import StateStore
from addons.errors import clean

log = logging.getLogger("glassgate.accounts")

_QUIET: Final = frozenset({Health.OK, Health.REFRESHING})


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """One account's states in the store. `now` gives Unix seconds."""

    key: AccountId
    store: StateStore
    now: Callable[[], float]

    @property
    def recorded(self) -> AccountState | None:
        """What was recorded last, whatever the time; None when nothing was."""
        return self.store.get(self.key).state

    @property
    def state(self) -> AccountState | None:
        """What was recorded last, a limit that has passed left out."""
        found = self.recorded
        return found.now(self.now()) if found else None

    def record(self, state: AccountState) -> None:
        """Takes a state down; the log tells when it is another one than before."""
        state = _clean(state)
        kept = self.store.get(self.key)
        before = kept.state
        if before and (before.health, before.until, before.reason) == (state.health, state.until, state.reason):
            return
        self.store.put(self.key, replace(kept, state=state), worth_saving=state.health is not Health.REFRESHING)
        if before is None or before.health is not state.health:
            level = logging.INFO if state.health in _QUIET else logging.WARNING
            log.log(level, "account %s/%s is %s: %s", *self.key, state.health.value, state.reason or "all is well")

    def well(self, reason: str = "") -> None:
        """The account answers."""
        self.record(AccountState(Health.OK, int(self.now()), None, reason))

    def session_known(self, before: AccountState | None) -> None:
        """The site knows the account's session. How it answers chats, as recorded before, is another matter."""
        if before is not None and before.health in OF_ANSWERS:
            self.record(before)
        else:
            self.well()

    # -- models and starts ----------------------------------------------------------------------------------------
    def limit_model(self, model: str, state: AccountState) -> None:
        """One model of the account is limited."""
        kept, state = self.store.get(self.key), _clean(state)
        models = {**kept.models, model: state}
        if len(models) > MODELS_KEPT:
            del models[min(models, key=lambda name: models[name].until or 0)]
        self.store.put(self.key, replace(kept, models=models))
        log.warning("%s of account %s/%s is limited: %s", clean(model, NAME_LIMIT), *self.key, state.reason)

    def lift_model(self, model: str) -> None:
        """The account answered for the model."""
        kept = self.store.get(self.key)
        if model in kept.models:
            models = {name: state for name, state in kept.models.items() if name != model}
            self.store.put(self.key, replace(kept, models=models))

    @property
    def recorded_models(self) -> Mapping[str, AccountState]:
        """The models that were limited, whatever the time."""
        return self.store.get(self.key).models

    @property
    def models(self) -> Mapping[str, AccountState]:
        """The models of the account that are limited now."""
        now, found = self.now(), self.recorded_models
        return {name: state for name, state in found.items() if state.now(now).health is Health.LIMITED}

    def record_starts(self, starts: list[float]) -> None:
        """When the account's requests of the last day began, in Unix seconds."""
        self.store.put(self.key, replace(self.store.get(self.key), starts=starts))


def _clean(state: AccountState) -> AccountState:
    """With words that can be written down and shown, whoever said them."""
    return replace(state, reason=clean(state.reason, REASON_LIMIT)) if state.reason else state
