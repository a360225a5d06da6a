"""Whose a session is, for sessions that do not say so themselves: the site is asked before and after a renewal.

A session that was swapped for another person's would answer with their chats and at their cost. What the site named is
remembered in memory, for the very session it named it for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from addons.accounts.sessions import Account, AccountId, Accounts, Stored
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Credentials, Identity, Moment, Provider, ProviderOptions, Session, Steps

type AnyProvider = Provider[ProviderOptions]


class Runner(Protocol):
    """Carries out steps (addons/transport/step_runner.py)."""

    async def run(
        self, provider: AnyProvider, steps: Steps[Any], session: Session, *, keep_cookies: bool = True
    ) -> Any: ...


@dataclass(slots=True)
class Owners:
    """Who owns the sessions of all accounts. An owner is the site's user id, or the address where it names none."""

    accounts: Accounts
    providers: Mapping[str, AnyProvider]
    runner: Runner
    moment: Callable[[], Moment]
    _named: dict[AccountId, tuple[Stored, str]] = field(default_factory=dict)

    async def of(self, account: Account, stored: Stored) -> str:
        """The owner of the session in force, `stored`; empty where neither it nor the site tells."""
        session = self.accounts.session(account)
        if by_itself := session.facts.get("user_id"):
            return by_itself
        known = self._named.get((account.provider, account.name))
        if known is None or known[0] != stored:
            try:
                owner = await self._ask(account, session)
            except ProviderError:  # it has ended already, or the site cannot be reached
                owner = ""
            known = self._named[account.provider, account.name] = stored, owner
        return known[1]

    async def of_new(self, account: Account, stored: Stored, material: Credentials) -> str:
        """The owner of `material`, which is to replace `stored`. Raises ProviderError for a session that is none."""
        session = self.providers[account.provider].read_session(account.name, material)
        if by_itself := session.facts.get("user_id"):
            return by_itself
        with self.accounts.trying(account, stored, material):
            try:
                return await self._ask(account, session)
            except ProviderError as error:
                if error.kind is ErrorKind.SESSION_EXPIRED:
                    raise
                return ""

    def named(self, account: Account, stored: Stored, owner: str) -> None:
        """Remembers the owner of a session that has been stored."""
        self._named[account.provider, account.name] = stored, owner

    async def _ask(self, account: Account, session: Session) -> str:
        provider = self.providers[account.provider]
        if (steps := provider.identify(session, self.moment())) is None:
            return ""
        identity: Identity = await self.runner.run(provider, steps, session, keep_cookies=False)
        return identity.user_id or identity.email
