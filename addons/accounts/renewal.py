"""Keeps sessions alive: renews them before they end, once for all who wait, and writes what the sites hand out.

Only one renewal of an account runs at a time, among the requests of this process (one task they all wait for) and among
processes (a lock beside the vault; whoever gets it second finds the new session in the vault). A session whose renewal
the site has refused is dead until the vault holds another, or DEAD_S have passed: no request makes the site be asked.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from addons.accounts.cooldown import CooldownRules
from addons.accounts.health import AccountState, Health, after_error
from addons.accounts.identity import AnyProvider, Owners, Runner
from addons.accounts.report import can_renew
from addons.accounts.sessions import FRESH_S, Account, AccountId, Accounts, Stored
from addons.accounts.state_file import AccountStateFile
from addons.tasks import Background
from addons.vault.errors import VaultBusy, VaultError
from addons.vault.lock import locked
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Moment, Session, SessionUpdate, Steps

log = logging.getLogger("glassgate.accounts")

LOCK_WAIT_S: Final = 60.0
LOCK_POLL_S: Final = 0.05
STILL_GOOD_S: Final = 20
"""A session that lives at least so long serves while it is being renewed; below, requests wait for the new one."""
SETTLE_S: Final = 5.0
"""How long the end of the process waits for what is being written."""
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
class _Life:
    """What is remembered of one account's renewals."""

    flight: asyncio.Task[Session] | None = None
    dead: tuple[Stored, ProviderError, float] | None = None
    """What was stored when the site refused it for good, how it said so, and when (by the monotonic clock)."""
    keeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a rotated cookie is being kept."""
    proven: Stored | None = None
    """The session that was renewed or confirmed then."""
    proven_at: float = -1e9
    failed_at: float = -1e9
    """When it was last renewed or its site asked about it, and when that last failed, by the monotonic clock."""
    pause_s: float = TRY_AGAIN_S
    """How long after that failure no renewal is begun that nobody waits for."""
    refused: bool = False
    """The newest renewal was: what the state file says may be of that."""


@dataclass(slots=True)
class Renewal:
    """The renewals of all accounts. `clock` is monotonic, in seconds."""

    accounts: Accounts
    providers: Mapping[str, AnyProvider]
    vault: Vault | None
    runner: Runner
    book: AccountStateFile
    moment: Callable[[], Moment]
    clock: Callable[[], float]
    rules: CooldownRules = field(default_factory=CooldownRules)
    """How long a limit of a renewal holds."""
    _lives: dict[AccountId, _Life] = field(default_factory=dict)
    background: Background = field(default_factory=Background)
    owners: Owners = field(init=False)

    def __post_init__(self) -> None:
        self.owners = Owners(self.accounts, self.providers, self.runner, self.moment)

    # -- for requests ---------------------------------------------------------------------------------------------
    async def session(self, account: Account) -> Session:
        """A session that can serve now, renewed if it is about to end. Raises ProviderError."""
        await self.accounts.refresh(FRESH_S)
        try:
            session = self._alive(account)
        except ProviderError as error:
            self._note_failure(account, error)
            raise
        left_s = self._left_s(account, session)
        provider = self.providers[account.provider]
        if left_s is None or left_s > provider.renew_before_s or not self._renewable(account, session):
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
        await self.accounts.refresh(FRESH_S)
        current = self._alive(account)
        if (flight := self._life(account).flight) is not None:
            return await asyncio.shield(flight)  # under way, or landed this very moment
        if current is not session:
            return current  # somebody has renewed it since
        if not self._just_now(account):
            if self._renewable(account, current):
                return await asyncio.shield(self._flight(account))
            self._prove(account)
            self.background.spawn(self._bury_if_dead(account, current), "glassgate session check")
        self._note_failure(account, error)
        raise error

    def succeeded(self, account: Account) -> None:
        """The account has begun to answer."""
        self.book.note_ok((account.provider, account.name))

    def known(self, account: Account) -> None:
        """The site has said whose session it is."""
        key = (account.provider, account.name)
        self.book.note_known(key, self.book.state(key))

    def failed(self, account: Account, error: ProviderError) -> None:
        """The account could not answer."""
        self._note_failure(account, error)

    def handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        """Cookies that came with any answer: those that belong to the session are kept, in the background."""
        provider = self.providers[session.provider]
        new = {name: value for name, value in cookies.items() if name in provider.rotating_cookies}
        account = self.accounts.find(session.provider, session.account)
        if not new or account is None:
            return
        update = provider.from_cookies(session, new)
        stored = self.accounts.stored(account)
        if update is not None and stored is not None and stored.material.updated(update) != stored.material:
            self.background.spawn(self._keep_rotated(account, update), "glassgate rotated session")

    def adopt(self, other: "Renewal") -> None:
        """Takes over what another one knows: for a new configuration of the same process."""
        self._lives, self.background = other._lives, other.background

    def reset(self, account: AccountId) -> None:
        """Forgets that the account's session was refused."""
        life = self._lives.get(account)
        if life is not None:
            life.dead, life.proven, life.failed_at = None, None, -1e9

    async def tend(self) -> None:
        """Renews sessions nobody has used for long, writes what could not be written. To be called now and then."""
        await self.accounts.refresh(FRESH_S)
        await self.accounts.write_again()
        for account in self.accounts.all():
            try:
                await self._renew_idle(account)
            except ProviderError as error:
                self._note_failure(account, error)
            except Exception:
                log.exception("%s/%s could not be looked after: a fault of the gateway", account.provider, account.name)

    async def _renew_idle(self, account: Account) -> None:
        """Raises ProviderError when the session is dead."""
        session, stored = self._alive(account), self.accounts.stored(account)
        idle = stored and stored.updated is not None and self._epoch_s() - stored.updated > IDLE_S
        if idle and self._may_try(account, IDLE_AGAIN_S) and self._renewable(account, session):
            await asyncio.wait({self._flight(account)})

    async def settle(self) -> None:
        """Waits for renewals and writes under way; for the end of the process."""
        flights = [life.flight for life in self._lives.values() if life.flight is not None]
        await asyncio.gather(*flights, return_exceptions=True)
        await self.background.settle(SETTLE_S)

    # -- one renewal ----------------------------------------------------------------------------------------------
    def _flight(self, account: Account) -> asyncio.Task[Session]:
        """The renewal of the account that is under way, or a new one."""
        life = self._life(account)
        if life.flight is None:
            stored = self.accounts.stored(account)
            life.flight = asyncio.ensure_future(self._renew(account, stored))
            life.flight.add_done_callback(lambda task: self._landed(life, task))
        return life.flight

    def _landed(self, life: _Life, task: asyncio.Task[Session]) -> None:
        life.flight = None
        # The exception is for those who wait; when nobody does, the log and the state file have it already.
        if not task.cancelled() and task.exception() is not None:
            life.failed_at, error = self.clock(), task.exception()
            challenged = isinstance(error, ProviderError) and error.kind is ErrorKind.CHALLENGE
            life.pause_s = CHALLENGE_AGAIN_S if challenged else TRY_AGAIN_S

    async def _renew(self, account: Account, before: Stored | None) -> Session:
        """Renews under the lock. Raises ProviderError."""
        key = (account.provider, account.name)
        state = self.book.state(key)
        self.book.note(key, AccountState(Health.REFRESHING, self._epoch_s()))
        try:
            async with _polled(self._lock(account)):
                await self.accounts.refresh()
                stored = self.accounts.stored(account)
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
            log.exception("%s/%s: a renewal failed: a fault of the gateway", *key)
            fault = ProviderError(ErrorKind.PROVIDER_DOWN, "the session could not be renewed; see the gateway's log")
            self._unrenewed(account, fault, state)
            raise fault from e
        self._prove(account)
        life = self._life(account)
        self.book.note_known(key, None if life.refused else state)
        life.refused = False
        return session

    async def _renew_stored(self, account: Account, stored: Stored) -> Session:
        provider = self.providers[account.provider]
        session = self.accounts.session(account)
        try:
            await self.owners.of(account, stored)  # as long as it can be asked for
            return await self._keep(account, stored, await self._ask(provider, session))
        except ProviderError as error:
            if error.kind is ErrorKind.SESSION_EXPIRED:
                self._life(account).dead = (stored, error, self.clock())
            raise

    async def _ask(self, provider: AnyProvider, session: Session) -> SessionUpdate:
        """The site's new secrets: by renewal, or else by signing in with a remembered password."""
        refusal: ProviderError | None = None
        if (steps := provider.refresh(session, self.moment())) is not None:
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
        return provider.sign_in(session, self.moment()) if session.has("password") else None

    async def _keep(self, account: Account, stored: Stored, update: SessionUpdate) -> Session:
        """The renewed session, in force at once and written to the vault. Raises ProviderError when it is not ours."""
        material = stored.material.updated(update)
        self.providers[account.provider].read_session(account.name, material)
        before = await self.owners.of(account, stored)
        now = await self.owners.of_new(account, stored, material) if before else ""
        if before and now and now != before:
            raise ProviderError(ErrorKind.SESSION_EXPIRED, "the site answers as to somebody else.")
        if await self.accounts.store(account, stored, material):
            known = " (whose it is could not be compared)" if not now else ""
            log.info("%s/%s: the session was renewed%s", account.provider, account.name, known)
            if before and (kept := self.accounts.stored(account)) is not None:
                self.owners.named(account, kept, before)
        return self.accounts.session(account)

    async def _keep_rotated(self, account: Account, update: SessionUpdate) -> None:
        """Writes cookies of an answer down; not while a renewal is under way, which brings newer ones."""
        life = self._life(account)
        async with life.keeping:
            await self.accounts.refresh(FRESH_S)
            stored = self.accounts.stored(account)
            if stored is None or life.flight is not None:
                return
            try:
                await self._keep(account, stored, update)
            except (ProviderError, VaultError) as e:
                log.warning("%s/%s: a cookie the site handed out was not kept: %s", account.provider, account.name, e)

    # -- what is known --------------------------------------------------------------------------------------------
    def _alive(self, account: Account) -> Session:
        """The stored session, unless it is dead or has ended for good. Raises ProviderError."""
        session = self.accounts.session(account)
        life = self._life(account)
        if life.dead is not None:
            refused, error, at = life.dead
            if refused == self.accounts.stored(account) and self.clock() - at < DEAD_S:
                raise error
            life.dead = None
        left_s = self._left_s(account, session)
        if left_s is not None and left_s <= 0 and not self._renewable(account, session):
            raise ProviderError(ErrorKind.SESSION_EXPIRED, "the stored session has ended.")
        return session

    def _left_s(self, account: Account, session: Session) -> float | None:
        """Seconds until the session should be renewed at the latest; None when nothing is known of its end."""
        now = self._epoch_s()
        if session.expires_at is not None:
            return session.expires_at - now
        every_s = self.providers[account.provider].renew_every_s
        stored = self.accounts.stored(account)
        if every_s is None or stored is None or stored.updated is None:
            return None
        due_s = stored.updated + every_s - now
        # It does not end then: it serves while it is renewed.
        return max(due_s, STILL_GOOD_S + 1)

    def _renewable(self, account: Account, session: Session) -> bool:
        if self.vault is None or not account.needs_session:
            return False
        return can_renew(self.providers[account.provider], session, self.moment())

    def _may_try(self, account: Account, pause_s: float = 0.0) -> bool:
        """Whether a renewal that nobody waits for may be begun; not right after one that failed."""
        life = self._life(account)
        return self.clock() - life.failed_at > max(life.pause_s, pause_s)

    def _just_now(self, account: Account) -> bool:
        """Whether the session as it is stored was renewed or confirmed a moment ago."""
        life = self._life(account)
        same = life.proven is not None and life.proven == self.accounts.stored(account)
        return same and self.clock() - life.proven_at < PROVEN_S

    def _prove(self, account: Account) -> None:
        life = self._life(account)
        life.proven, life.proven_at = self.accounts.stored(account), self.clock()

    async def _bury_if_dead(self, account: Account, session: Session) -> None:
        """Asks the site about a session it refused: a single odd refusal must not end an account."""
        stored = self.accounts.stored(account)
        steps = self.providers[account.provider].identify(session, self.moment())
        if stored is None or steps is None:
            return
        try:
            await self.runner.run(self.providers[account.provider], steps, session, keep_cookies=False)
        except ProviderError as error:
            if error.kind is ErrorKind.SESSION_EXPIRED:
                self._life(account).dead = (stored, error, self.clock())
            self._note_failure(account, error)

    def _unrenewed(self, account: Account, error: ProviderError, before: AccountState | None) -> None:
        """A renewal failed: when it says nothing of the account, the state from before holds."""
        if after_error(error, self._epoch_s(), self.rules) is None:
            self.book.note_known((account.provider, account.name), before)
        else:
            self._life(account).refused = True
        self._note_failure(account, error)
        log.warning("%s/%s: the session could not be renewed: %s", account.provider, account.name, error.message)

    def _note_failure(self, account: Account, error: ProviderError) -> None:
        state = after_error(error, self._epoch_s(), self.rules)
        key = (account.provider, account.name)
        if state is None:
            return
        if state.health is Health.EXPIRED and self.accounts.stored(account) is None:
            state = AccountState(Health.MISSING, state.since, None, state.reason)
        self.book.note(key, state)

    # -- details --------------------------------------------------------------------------------------------------
    def _life(self, account: Account) -> _Life:
        return self._lives.setdefault((account.provider, account.name), _Life())

    def _epoch_s(self) -> int:
        return self.moment().epoch_ms // 1000

    def _lock(self, account: Account) -> Callable[[], AbstractContextManager[None]]:
        """What to try until the account's lock is ours: among processes, not threads."""
        if self.vault is None:
            return nullcontext
        name = hashlib.sha256(f"{account.provider}/{account.name}".encode()).hexdigest()[:16]
        path = self.vault.path.with_name(f"{self.vault.path.name}.{name}.lock")
        return lambda: locked(path, 0)


class _polled:
    """Holds a lock without blocking the event loop. Raises VaultBusy after LOCK_WAIT_S."""

    def __init__(self, attempt: Callable[[], AbstractContextManager[None]]) -> None:
        self._attempt = attempt
        self._held: AbstractContextManager[None] | None = None

    async def __aenter__(self) -> None:
        deadline = asyncio.get_running_loop().time() + LOCK_WAIT_S
        while True:
            held = self._attempt()
            try:
                held.__enter__()
            except VaultBusy:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(LOCK_POLL_S)
            else:
                self._held = held
                return

    async def __aexit__(self, *exc: Any) -> None:
        assert self._held is not None
        self._held.__exit__(None, None, None)
