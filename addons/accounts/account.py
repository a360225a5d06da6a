"""One account: its session and that one's renewal, its limiter, what stands against asking it, how it is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from addons.accounts.account_health import AccountHealth
from addons.accounts.account_record import AccountId
from addons.accounts.availability import Availability, AvailabilityRules, Blocked
from addons.accounts.cooldown import LIMITS, CooldownRules
from addons.accounts.health import AccountState, Health, after_error
from addons.accounts.limiter import DAY_S, AccountLimiter, RateLimits
from addons.accounts.sessions import SessionVault, StoredCredentials, StoredSession
from addons.accounts.state_store import StateStore
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, Session


@dataclass(frozen=True, slots=True)
class ConfiguredAccount:
    """What config.yaml says of an account. `needs_session` is False where an API wants no key."""

    provider: str
    name: str
    needs_session: bool = True
    limits: RateLimits = field(default_factory=RateLimits)

    @property
    def key(self) -> AccountId:
        return (self.provider, self.name)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all accounts of a configuration share. `clock` is monotonic, in seconds; `now` gives Unix seconds."""

    vault: SessionVault
    store: StateStore
    clock: Callable[[], float]
    now: Callable[[], float]
    rules: AvailabilityRules = field(default_factory=AvailabilityRules)
    challenged: set[AccountId] = field(default_factory=set)
    """Accounts whose sites want a human, as far as is known: mostly none, so nobody need look through them all."""


@dataclass(slots=True)
class RenewalState:
    """What is remembered of an account's renewals (renewal.py)."""

    flight: asyncio.Task[Session] | None = None
    dead: tuple[StoredCredentials, ProviderError, float] | None = None
    """What was stored when the site refused it for good, how it said so, and when (by the monotonic clock)."""
    keeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a rotated cookie is being kept."""
    proven: StoredCredentials | None = None
    """The session that was renewed or confirmed then."""
    proven_at: float = -1e9
    failed_at: float = -1e9
    """When it was last renewed or its site asked about it, and when that last failed, by the monotonic clock."""
    pause_s: float = 0.0
    """How long after that failure no renewal is begun that nobody waits for."""
    refused: bool = False
    """The newest renewal was: what the state store says may be of that."""
    owner: tuple[StoredCredentials, str] | None = None
    """Who owns that session (identity.py)."""

    def reset(self) -> None:
        """Forgets that the account's session was refused."""
        self.dead, self.proven, self.failed_at = None, None, -1e9


class Account:
    """One account of config.yaml. Another configuration makes another object, which shares the parts that know
    something: requests under way at the old one are counted by the new one too."""

    renewal: RenewalState
    limiter: AccountLimiter
    availability: Availability

    def __init__(
        self,
        settings: ConfiguredAccount,
        provider: AnyProvider,
        around: Surroundings,
        from_env: Credentials | None = None,
        before: "Account | None" = None,
    ) -> None:
        """`before`: the same account in the configuration before this one."""
        self.settings = settings
        self.key = settings.key
        self._around = around
        self.session = StoredSession(self.key, provider, around.vault, from_env, settings.needs_session)
        self.health = AccountHealth(self.key, around.store, around.now)
        self._is_new = before is None
        if before is not None:
            self.session.adopt(before.session)
            self.renewal, self.limiter, self.availability = before.renewal, before.limiter, before.availability
            return
        self.renewal = RenewalState()
        self.limiter = AccountLimiter(settings.limits, around.clock)
        self.availability = Availability(
            around.rules, self.health, around.clock, self.session.standing, around.challenged
        )

    def start(self) -> None:
        """Its configuration is in force: its figures count, for what it shares with the one before too.

        To be called once, before the first request.
        """
        self.limiter.limits = self.settings.limits
        self.availability.reconfigure(self._around.rules, self.session.standing)
        if self._is_new:
            self._recall()

    def _recall(self) -> None:
        """Takes up what an earlier process has recorded."""
        stored, now = self.session.stored(), self._around.now()
        self.availability.recall(stored.updated if stored is not None else None)
        if self.limiter.limits.per_day is not None:
            ago = now - self._around.clock()
            starts = self._around.store.get(self.key).starts
            self.limiter.remember([start - ago for start in starts if 0 <= now - start < DAY_S])

    def __repr__(self) -> str:
        return f"Account({self})"

    def __str__(self) -> str:
        return "/".join(self.key)

    @property
    def provider(self) -> str:
        """Its provider's name."""
        return self.key[0]

    @property
    def name(self) -> str:
        return self.key[1]

    # -- a request at a model -------------------------------------------------------------------------------------
    async def acquire(self, model: str) -> Blocked | None:
        """Waits for a place; each one ends with `release` for that model. Raises LimiterFull.

        What has come to stand against the account meanwhile is given back instead of a place.
        """
        await self.limiter.acquire()
        if (blocked := self.availability.blocked(model)) is not None:
            self.limiter.release()
            return blocked
        self.availability.begin(model)
        return None

    def release(self, model: str) -> None:
        self.limiter.release()
        self.availability.dropped(model)
        if self.limiter.limits.per_day is not None:
            ago = self._around.now() - self._around.clock()
            self.health.record_starts([start + ago for start in self.limiter.starts_today()])

    def succeeded(self, model: str) -> None:
        """The account has answered for the model."""
        self.availability.succeeded(model)
        self.health.well()

    def failed(self, model: str, error: ProviderError) -> None:
        """The account could not answer for the model. An error of the request itself says nothing of the account."""
        self.availability.failed(model, error)
        if error.kind not in LIMITS and error.kind is not ErrorKind.CHALLENGE:
            self.refused(error)

    # -- its session ----------------------------------------------------------------------------------------------
    def refused(self, error: ProviderError) -> None:
        """Its session, or the account as a whole, was refused: how it is now."""
        state = after_error(error, self._around.now(), self.cooldown_rules)
        if state is None:
            return
        if state.health is Health.EXPIRED and self.session.stored() is None:
            state = AccountState(Health.MISSING, state.since, None, state.reason)
        self.health.record(state)

    def known(self) -> None:
        """The site has said whose session it is."""
        self.health.session_known(self.health.state)

    @property
    def cooldown_rules(self) -> CooldownRules:
        """How long a limit that a renewal met holds, also where no account rests for it."""
        return self._around.rules.cooldown or CooldownRules()

    def reset(self) -> None:
        """Forgets what stands against the account."""
        self.availability.reset()
        self.renewal.reset()
