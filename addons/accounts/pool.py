"""The pool of all accounts of a configuration: whoever wants to ask one leases it here."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from addons.accounts.account import Account, ConfiguredAccount, Surroundings
from addons.accounts.account_record import AccountId
from addons.accounts.identity import Runner
from addons.accounts.lease import Candidate, Lease, Line, NoAccount, PassedOver
from addons.accounts.limiter import LimiterFull
from addons.accounts.pruning import ended_for_good
from addons.accounts.renewal import Renewal
from addons.accounts.report import AccountLine, any_can_serve, report
from addons.accounts.sessions import FRESH_S
from addons.tasks import Background
from addons.vault.errors import VaultConflict, VaultError
from providers.contract.errors import ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment

log = logging.getLogger("glassgate.accounts")

SETTLE_S: Final = 5.0
"""How long the end of the process waits for what is being written."""


def accounts_from(
    settings: Sequence[ConfiguredAccount],
    providers: Mapping[str, AnyProvider],
    around: Surroundings,
    from_env: Mapping[AccountId, Credentials],
    before: Mapping[AccountId, Account] | None = None,
) -> list[Account]:
    """The accounts of a configuration, in its order; `before`: those of the configuration before it, by their keys."""
    known = before or {}
    return [
        Account(one, providers[one.provider], around, from_env.get(one.key), known.get(one.key)) for one in settings
    ]


class AccountPool:
    """All accounts of a configuration."""

    def __init__(
        self,
        settings: Sequence[ConfiguredAccount],
        providers: Mapping[str, AnyProvider],
        around: Surroundings,
        renewal: Renewal,
        from_env: Mapping[AccountId, Credentials],
        before: "AccountPool | None" = None,
    ) -> None:
        """`before`: the pool of the configuration before; what its accounts have learnt is taken over."""
        self.around, self.renewal = around, renewal
        found = accounts_from(settings, providers, around, from_env, before.by_key if before else None)
        self.by_key: dict[AccountId, Account] = {account.key: account for account in found}
        self._by_provider: dict[str, list[Account]] = {}
        for account in found:
            self._by_provider.setdefault(account.provider, []).append(account)
        former: list[Account] = [*before.by_key.values(), *before.former] if before else []
        self.former: list[Account] = [
            one for one in former if one.key not in self.by_key and one.renewal.flight is not None
        ]
        """Accounts that are not configured any more, whose sessions were just being renewed."""

    def start(self) -> None:
        """The configuration is in force from now on: its figures count, and others than its accounts are forgotten."""
        self.around.store.keep_only(self.by_key.keys())
        for account in self.by_key.values():
            account.start()

    def all(self) -> list[Account]:
        """In order of config.yaml."""
        return list(self.by_key.values())

    def of(self, provider: str) -> Sequence[Account]:
        """The accounts of a provider, in order of config.yaml."""
        return self._by_provider.get(provider, ())

    def find(self, provider: str, account: str) -> Account | None:
        return self.by_key.get((provider, account))

    # -- leases ---------------------------------------------------------------------------------------------------
    async def acquire(self, candidates: Iterable[Candidate]) -> Lease:
        """A lease of the first that has room, else of the one whose queue is shortest: waits there for a place, as
        long as that account's `queue_s` allows, and then looks at the others.

        Looks at no more candidates than it must. Raises NoAccount when none can be asked now.
        """
        if self._is_any_challenged():
            await self.refresh(FRESH_S)  # a session stored since ends the rest
        left, passed = Line(candidates), list[PassedOver]()
        while chosen := self._next(left, passed):
            try:
                blocked = await chosen.account.acquire(chosen.model.id)
            except LimiterFull as full:
                passed.append(PassedOver(chosen, full))
                continue
            if blocked is None:
                return Lease(chosen, self.renewal, passed, left)
            passed.append(PassedOver(chosen, blocked))
        raise NoAccount(passed)

    def _is_any_challenged(self) -> bool:
        found = [self.by_key[key] for key in self.around.challenged if key in self.by_key]
        return any(account.availability.is_challenged() for account in found)

    @staticmethod
    def _next(left: Line, passed: list[PassedOver]) -> Candidate | None:
        """Whom to ask, taken out of `left`; those before it that must not be asked now go to `passed`."""
        full: list[Candidate] = []
        for candidate in left:
            if (blocked := candidate.account.availability.blocked(candidate.model.id)) is not None:
                passed.append(PassedOver(candidate, blocked))
            elif candidate.account.limiter.has_room:
                left.put_back(full)
                return candidate
            else:
                full.append(candidate)
        shortest = min(full, key=lambda candidate: candidate.account.limiter.load, default=None)
        left.put_back([candidate for candidate in full if candidate is not shortest])
        return shortest

    # -- sessions -------------------------------------------------------------------------------------------------
    async def refresh(self, patience_s: float | None = None) -> None:
        """Takes up what others have stored in the vault; waits for that, but for `patience_s` at most."""
        await self.around.vault.refresh(patience_s)

    def can_serve(self, provider: str) -> bool:
        """Whether any account of the provider has a session that can be read."""
        for account in self.of(provider):
            try:
                account.session.read()
            except ProviderError:
                continue
            return True
        return False

    def handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        """Cookies that came with any answer: those that belong to the session are kept, in the background."""
        if (account := self.find(session.provider, session.account)) is not None:
            self.renewal.handed_out(account, session, cookies)

    def reveal(self, provider: str, account: str) -> Mapping[str, str]:
        """Secret name → value, for the seals. Raises KeyError when there is no such session."""
        secrets = self.by_key[provider, account].session.secrets()
        if secrets is None:
            raise KeyError(f"{provider}/{account}")
        return secrets

    # -- jobs -----------------------------------------------------------------------------------------------------
    def report(self, moment: Moment) -> list[AccountLine]:
        """The accounts as people are told of them."""
        return report(self.by_key.values(), moment)

    def any_can_serve(self, moment: Moment) -> bool:
        """Whether a request may succeed with any account."""
        return any_can_serve(self.by_key.values(), moment)

    async def tend(self) -> None:
        """What the accounts need now and then: resets heeded, unwritten sessions written, idle ones renewed."""
        for key in await self.around.store.resets():
            if (account := self.by_key.get(key)) is not None:
                account.reset()
        await self.refresh(FRESH_S)
        await self._write_sessions()
        for account in self.by_key.values():
            account.availability.forget_replaced()
        for account in self.by_key.values():
            await self.renewal.look_after(account)

    async def _write_sessions(self) -> None:
        """Writes renewed sessions that could not be written so far, also of accounts not configured any more."""
        for key in list(self.around.vault.unwritten):
            if (account := self.by_key.get(key)) is not None:
                await account.session.write()
            else:
                with contextlib.suppress(VaultConflict):
                    await self.around.vault.write(key)

    async def prune(self, moment: Moment) -> None:
        """Removes sessions that have ended for good. The data key stays: other processes hold it."""
        if (vault := self.around.vault.vault) is None:
            return
        for one in ended_for_good(self.by_key.values(), moment):
            try:
                await asyncio.to_thread(vault.remove, *one.account.key)
            except VaultError as e:
                log.warning("%s could not be removed from the vault: %s", one.account, e)
            else:
                log.warning("%s was removed from the vault: %s", one.account, one.why)

    async def save(self) -> None:
        """Writes the accounts' states down."""
        await self.around.store.save()

    async def close(self) -> None:
        """Waits for renewals and writes under way; for the end of the process."""
        flights = [account.renewal.flight for account in (*self.by_key.values(), *self.former)]
        await asyncio.gather(*filter(None, flights), return_exceptions=True)
        await self.renewal.background.settle(SETTLE_S)
        await self.save()


def build(
    settings: Sequence[ConfiguredAccount],
    providers: Mapping[str, AnyProvider],
    around: Surroundings,
    runner: Runner,
    moment: Callable[[], Moment],
    background: Background,
    from_env: Mapping[AccountId, Credentials],
    before: AccountPool | None = None,
) -> AccountPool:
    """The pool of a configuration. `before` is the one it replaces, whose vault and store go on in `around`."""
    renewal = Renewal(around.vault, around.store, runner, moment, around.clock, background)
    return AccountPool(settings, providers, around, renewal, from_env, before)
