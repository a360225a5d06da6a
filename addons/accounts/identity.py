"""Whose a session is, for sessions that do not say so themselves: the site is asked before and after a renewal.

A session that was swapped for another person's would answer with their chats and at their cost. What the site named is
remembered in memory, for the very session it named it for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from addons.accounts.account import Account
from addons.accounts.sessions import StoredCredentials
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, Identity, Session
from providers.contract.steps import Moment, Steps


class Runner(Protocol):
    """Carries out steps (addons/transport/step_runner.py)."""

    async def run(
        self, provider: AnyProvider, steps: Steps[Any], session: Session, *, keep_cookies: bool = True
    ) -> Any: ...


@dataclass(slots=True)
class Owners:
    """Who owns the sessions of all accounts. An owner is the site's user id, or the address where it names none."""

    runner: Runner
    moment: Callable[[], Moment]

    async def of(self, account: Account, stored: StoredCredentials) -> str:
        """The owner of the session in force, `stored`; empty where neither it nor the site tells."""
        session = account.session.read()
        if by_itself := session.facts.get("user_id"):
            return by_itself
        known = account.renewal.owner
        if known is None or known[0] != stored:
            try:
                owner = await self._ask(account, session)
            except ProviderError:  # it has ended already, or the site cannot be reached
                owner = ""
            known = account.renewal.owner = stored, owner
        return known[1]

    async def of_new(self, account: Account, stored: StoredCredentials, credentials: Credentials) -> str:
        """The owner of `credentials`, which is to replace `stored`. Raises ProviderError for a session that is none."""
        session = account.session.provider.read_session(account.name, credentials)
        if by_itself := session.facts.get("user_id"):
            return by_itself
        with account.session.trying(stored, credentials):
            try:
                return await self._ask(account, session)
            except ProviderError as error:
                if error.kind is ErrorKind.SESSION_EXPIRED:
                    raise
                return ""

    def named(self, account: Account, stored: StoredCredentials, owner: str) -> None:
        """Remembers the owner of a session that has been stored."""
        account.renewal.owner = stored, owner

    async def _ask(self, account: Account, session: Session) -> str:
        provider = account.session.provider
        if (steps := provider.sign_in.identify(session, self.moment())) is None:
            return ""
        identity: Identity = await self.runner.run(provider, steps, session, keep_cookies=False)
        return identity.user_id or identity.email
