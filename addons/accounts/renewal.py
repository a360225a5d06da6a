"""Keeps sessions alive: renews them before they end, once for all who wait, and writes what the sites hand out.

Only one renewal of an account runs at a time, among the requests of this process (one task they all wait for) and among
processes (the state store has a lock; who gets it second finds the new session in the vault). A session whose renewal
the site has refused is dead until the vault holds another, or DEAD_S have passed: no request makes the site be asked.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from addons.accounts.account import Account, RenewalState
from addons.accounts.health import AccountState, Health, after_error
from addons.accounts.identity import Owners, Runner
from addons.accounts.report import can_renew
from addons.accounts.sessions import FRESH_S, SessionVault, StoredCredentials
from addons.accounts.state_store import StateStore
from addons.tasks import Background
from addons.vault.errors import VaultError
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Session, SessionUpdate
from providers.contract.steps import Moment, Steps

log = logging.getLogger("glassgate.accounts")

RENEW_BEFORE_S: Final = 120
"""A session that ends within this time is renewed."""
STILL_GOOD_S: Final = 20
"""A session that lives at least so long serves while it is being renewed; below, requests wait for the new one."""
TRY_AGAIN_S: Final = 15
"""How long after a failed renewal the next one is begun, while the session still serves."""
CHALLENGE_AGAIN_S: Final = 300
"""The same after a renewal that met the site's check for humans: every one that meets it makes the site surer."""
IDLE_AGAIN_S: Final = 600
"""The same for a session that nobody uses."""
IDLE_S: Final = 3 * 86_400
"""A renewable session that nobody used for so long is renewed all the same, lest its renewal right runs out."""
DEAD_S: Final = 600
"""A session the site has refused for good is tried once more after so long: sites err too."""
PROVEN_S: Final = 60
"""A session refused so soon after the site renewed or confirmed it is not the reason: the site is not asked again."""


@dataclass(slots=True)
class Renewal:
    """The renewals of all accounts of a configuration; what it remembers stands in each account.

    `clock` is monotonic, in seconds.
    """

    vault: SessionVault
    store: StateStore
    runner: Runner
    moment: Callable[[], Moment]
    clock: Callable[[], float]
    background: Background
    owners: Owners = field(init=False)

    def __post_init__(self) -> None:
        self.owners = Owners(self.runner, self.moment)

    # -- for requests ---------------------------------------------------------------------------------------------
    async def session(self, account: Account) -> Session:
        """A session that can serve now, renewed if it is about to end. Raises ProviderError."""
        await self.vault.refresh(FRESH_S)
        try:
            session = self._alive(account)
        except ProviderError as error:
            account.refused(error)
            raise
        left_s = self._left_s(account, session)
        if left_s is None or left_s > RENEW_BEFORE_S or not self._renewable(account, session):
            return session
        if left_s <= STILL_GOOD_S:
            return await asyncio.shield(self._flight(account))
        if self._may_try(account):
            self._flight(account)
        return session

    async def rejected(self, account: Account, session: Session, error: ProviderError) -> Session:
        """The site refused `session` with `error`: another session of the account, or the error to report.

        Raises ProviderError: the site's own, when there is nothing to renew the session with or it is dead.
        """
        await self.vault.refresh(FRESH_S)
        current = self._alive(account)
        if (flight := account.renewal.flight) is not None:
            return await asyncio.shield(flight)  # under way, or landed this very moment
        if current is not session:
            return current  # somebody has renewed it since
        if not self._just_now(account):
            if self._renewable(account, current):
                return await asyncio.shield(self._flight(account))
            self._prove(account)
            self.background.spawn(self._bury_if_dead(account, current), "glassgate session check")
        account.refused(error)
        raise error

    def handed_out(self, account: Account, session: Session, cookies: Mapping[str, str]) -> None:
        """Cookies that came with any answer: those that belong to the session are kept, in the background."""
        sign_in = account.session.provider.sign_in
        new = {name: value for name, value in cookies.items() if name in sign_in.rotating_cookies}
        if not new:
            return
        update = sign_in.from_cookies(session, new)
        stored = account.session.stored()
        if update is not None and stored is not None and stored.credentials.updated(update) != stored.credentials:
            self.background.spawn(self._keep_rotated(account, update), "glassgate rotated session")

    async def look_after(self, account: Account) -> None:
        """Renews a session that nobody has used for long. What goes wrong is recorded or logged."""
        try:
            await self._renew_idle(account)
        except ProviderError as error:
            account.refused(error)
        except Exception:
            log.exception("%s could not be looked after: a fault of the gateway", account)

    async def _renew_idle(self, account: Account) -> None:
        """Raises ProviderError when the session is dead."""
        session, stored = self._alive(account), account.session.stored()
        idle = stored and stored.updated is not None and self._epoch_s() - stored.updated > IDLE_S
        if idle and self._may_try(account, IDLE_AGAIN_S) and self._renewable(account, session):
            await asyncio.wait({self._flight(account)})

    # -- one renewal ----------------------------------------------------------------------------------------------
    def _flight(self, account: Account) -> asyncio.Task[Session]:
        """The renewal of the account that is under way, or a new one."""
        state = account.renewal
        if state.flight is None:
            stored = account.session.stored()
            state.flight = asyncio.ensure_future(self._renew(account, stored))
            state.flight.add_done_callback(lambda task: self._landed(state, task))
        return state.flight

    def _landed(self, renewal: RenewalState, task: asyncio.Task[Session]) -> None:
        renewal.flight = None
        # The exception is for those who wait; when nobody does, the log and the state store have it already.
        if not task.cancelled() and task.exception() is not None:
            renewal.failed_at, error = self.clock(), task.exception()
            challenged = isinstance(error, ProviderError) and error.kind is ErrorKind.CHALLENGE
            renewal.pause_s = CHALLENGE_AGAIN_S if challenged else TRY_AGAIN_S

    async def _renew(self, account: Account, before: StoredCredentials | None) -> Session:
        """Renews under the lock. Raises ProviderError."""
        state = account.health.state
        account.health.record(AccountState(Health.REFRESHING, self._epoch_s()))
        try:
            async with self.store.lock(account.key):
                await self.vault.refresh()
                stored = account.session.stored()
                if stored is None or stored != before:
                    session = self._alive(account)  # another process was first
                else:
                    session = await self._renew_stored(account, stored)
        except VaultError as e:
            error = ProviderError(ErrorKind.PROVIDER_DOWN, f"the session cannot be renewed: {e}")
            self._unrenewed(account, error, state)
            raise error from e
        except ProviderError as error:
            self._unrenewed(account, error, state)
            raise
        except Exception as e:
            log.exception("%s: a renewal failed: a fault of the gateway", account)
            fault = ProviderError(ErrorKind.PROVIDER_DOWN, "the session could not be renewed; see the gateway's log")
            self._unrenewed(account, fault, state)
            raise fault from e
        self._prove(account)
        account.health.session_known(None if account.renewal.refused else state)
        account.renewal.refused = False
        return session

    async def _renew_stored(self, account: Account, stored: StoredCredentials) -> Session:
        provider = account.session.provider
        session = account.session.read()
        try:
            await self.owners.of(account, stored)  # as long as it can be asked for
            return await self._keep(account, stored, await self._ask(provider, session))
        except ProviderError as error:
            if error.kind is ErrorKind.SESSION_EXPIRED:
                account.renewal.dead = (stored, error, self.clock())
            raise

    async def _ask(self, provider: AnyProvider, session: Session) -> SessionUpdate:
        """The site's new secrets: by renewal, or else by signing in with a remembered password."""
        refusal: ProviderError | None = None
        if (steps := provider.sign_in.refresh(session, self.moment())) is not None:
            try:
                update: SessionUpdate = await self.runner.run(provider, steps, session, keep_cookies=False)
                return update
            except ProviderError as error:
                if error.kind is not ErrorKind.SESSION_EXPIRED:
                    raise
                refusal = error
        if (steps := self._sign_in(provider, session)) is not None:
            update = await self.runner.run(provider, steps, session, keep_cookies=False)
            return update
        raise refusal or ProviderError(ErrorKind.SESSION_EXPIRED, "there is nothing to renew this session with.")

    def _sign_in(self, provider: AnyProvider, session: Session) -> Steps[SessionUpdate] | None:
        return provider.sign_in.with_password(session, self.moment()) if session.has("password") else None

    async def _keep(self, account: Account, stored: StoredCredentials, update: SessionUpdate) -> Session:
        """The renewed session, in force at once and written to the vault. Raises ProviderError when it is not ours."""
        credentials = stored.credentials.updated(update)
        account.session.provider.read_session(account.name, credentials)
        before = await self.owners.of(account, stored)
        now = await self.owners.of_new(account, stored, credentials) if before else ""
        if before and now and now != before:
            raise ProviderError(ErrorKind.SESSION_EXPIRED, "the site answers as to somebody else.")
        if await account.session.store(stored, credentials):
            known = " (whose it is could not be compared)" if not now else ""
            log.info("%s: the session was renewed%s", account, known)
            if before and (kept := account.session.stored()) is not None:
                self.owners.named(account, kept, before)
        return account.session.read()

    async def _keep_rotated(self, account: Account, update: SessionUpdate) -> None:
        """Writes cookies of an answer down; not while a renewal is under way, which brings newer ones."""
        state = account.renewal
        async with state.keeping:
            await self.vault.refresh(FRESH_S)
            stored = account.session.stored()
            if stored is None or state.flight is not None:
                return
            try:
                await self._keep(account, stored, update)
            except (ProviderError, VaultError) as e:
                log.warning("%s: a cookie the site handed out was not kept: %s", account, e)

    # -- what is known --------------------------------------------------------------------------------------------
    def _alive(self, account: Account) -> Session:
        """The stored session, unless it is dead or has ended for good. Raises ProviderError."""
        session = account.session.read()
        state = account.renewal
        if state.dead is not None:
            refused, error, at = state.dead
            if refused == account.session.stored() and self.clock() - at < DEAD_S:
                raise error
            state.dead = None
        left_s = self._left_s(account, session)
        if left_s is not None and left_s <= 0 and not self._renewable(account, session):
            raise ProviderError(ErrorKind.SESSION_EXPIRED, "the stored session has ended.")
        return session

    def _left_s(self, account: Account, session: Session) -> float | None:
        """Seconds until the session should be renewed at the latest; None when nothing is known of its end."""
        now = self._epoch_s()
        if session.expires_at is not None:
            return session.expires_at - now
        every_s = account.session.provider.sign_in.renew_every_s
        stored = account.session.stored()
        if every_s is None or stored is None or stored.updated is None:
            return None
        due_s = stored.updated + every_s - now
        # It does not end then: it serves while it is renewed.
        return max(due_s, STILL_GOOD_S + 1)

    def _renewable(self, account: Account, session: Session) -> bool:
        if self.vault.vault is None or not account.session.needed:
            return False
        return can_renew(account.session.provider, session, self.moment())

    def _may_try(self, account: Account, pause_s: float = 0.0) -> bool:
        """Whether a renewal that nobody waits for may be begun; not right after one that failed."""
        state = account.renewal
        return self.clock() - state.failed_at > max(state.pause_s, pause_s)

    def _just_now(self, account: Account) -> bool:
        """Whether the session as it is stored was renewed or confirmed a moment ago."""
        state = account.renewal
        same = state.proven is not None and state.proven == account.session.stored()
        return same and self.clock() - state.proven_at < PROVEN_S

    def _prove(self, account: Account) -> None:
        state = account.renewal
        state.proven, state.proven_at = account.session.stored(), self.clock()

    async def _bury_if_dead(self, account: Account, session: Session) -> None:
        """Asks the site about a session it refused: a single odd refusal must not end an account."""
        stored = account.session.stored()
        steps = account.session.provider.sign_in.identify(session, self.moment())
        if stored is None or steps is None:
            return
        try:
            await self.runner.run(account.session.provider, steps, session, keep_cookies=False)
        except ProviderError as error:
            if error.kind is ErrorKind.SESSION_EXPIRED:
                account.renewal.dead = (stored, error, self.clock())
            account.refused(error)

    def _unrenewed(self, account: Account, error: ProviderError, before: AccountState | None) -> None:
        """A renewal failed: when it says nothing of the account, the state from before holds."""
        if after_error(error, self._epoch_s(), account.cooldown_rules) is None:
            account.health.session_known(before)
        else:
            account.renewal.refused = True
        account.refused(error)
        log.warning("%s: the session could not be renewed: %s", account, error.message)

    # -- details --------------------------------------------------------------------------------------------------
    def _epoch_s(self) -> int:
        return self.moment().epoch_ms // 1000
