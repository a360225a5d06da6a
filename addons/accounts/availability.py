"""Availability of the accounts: who may be asked now, and what each answer teaches about its account.

A request asks `blocked`, enters the account's limiter, and tells how it ended. Limits, cool-downs and the rests after
checks for humans outlive the process in the state file; breakers begin anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from addons.accounts.breaker import Breaker, BreakerRules
from addons.accounts.cooldown import CHALLENGE_REST, KNOWN_LIMIT, LIMITS, Cooldown, CooldownRules, Cooldowns
from addons.accounts.health import AccountState, Health
from addons.accounts.limiter import DAY_S, AccountLimiter, RateLimits
from addons.accounts.state_file import AccountId, AccountStateFile
from providers.contract.errors import ErrorKind, ProviderError

MODELS_KEPT: Final = 500
"""Models of one account whose faults are remembered."""
SHUNNED_S: Final = 60.0
"""How long a challenged account that does not rest (the configuration says so) is asked only after all others."""

SITE_FAULTS: Final = frozenset({ErrorKind.PROVIDER_DOWN, ErrorKind.INCOMPLETE})
"""What counts against a site in its breaker."""


@dataclass(frozen=True, slots=True)
class AvailabilityRules:
    breaker: BreakerRules | None = field(default_factory=BreakerRules)
    """None: no breaker."""
    cooldown: CooldownRules | None = field(default_factory=CooldownRules)
    """None: no account rests, neither for a limit nor for a challenge."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why an account is not asked now. `error` is what it was blocked for; `wait_s` when it may be asked again."""

    error: ProviderError
    wait_s: float
    by_breaker: bool


@dataclass(slots=True)
class _Challenge:
    """The site wants a human before it answers the account."""

    error: ProviderError
    session: object
    """Which session met it (AccountAvailability.standing): another one is tried at once."""
    rest: Breaker


@dataclass(slots=True)
class _Lane:
    """One account: who is in, and what stands against it."""

    limiter: AccountLimiter
    breakers: dict[str, Breaker] = field(default_factory=dict)
    """By model: one sick model of a key must not take the others down."""
    errors: dict[str, ProviderError] = field(default_factory=dict)
    """The newest fault of the site, by model."""
    shunned_until: float = 0.0
    challenge: _Challenge | None = None


@dataclass(slots=True)
class AccountAvailability:
    """`clock` is monotonic, `now` gives Unix seconds; `standing` another value once another session was stored."""

    paces: Mapping[AccountId, RateLimits]
    rules: AvailabilityRules
    book: AccountStateFile
    clock: Callable[[], float]
    now: Callable[[], float]
    standing: Callable[[AccountId], object] = lambda key: None
    _lanes: dict[AccountId, _Lane] = field(default_factory=dict)
    _cooldowns: Cooldowns[tuple[str, ...]] = field(init=False)
    _reasons: dict[tuple[str, ...], ProviderError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._cooldowns = Cooldowns(self.rules.cooldown or CooldownRules(), self.now)
        for key, state in self.book.limits() if self.rules.cooldown is not None else ():
            if state.until is not None and state.until > self.now():
                self._cooldowns.known[key] = Cooldown(state.until, state.until - self.now())
                self._reasons[key] = ProviderError(ErrorKind.RATE_LIMITED, state.reason)

    def adopt(self, other: "AccountAvailability") -> None:
        """Takes over what another one knows: for a new configuration of the same process."""
        self._cooldowns.known.update(other._cooldowns.known)
        self._reasons.update(other._reasons)
        for key, lane in other._lanes.items():
            if key in self.paces:
                lane.limiter.pace = self.paces[key]
                if self.rules.breaker is None:
                    lane.breakers.clear()
                for breaker in lane.breakers.values():
                    breaker.rules = self.rules.breaker or breaker.rules
                self._lanes[key] = lane

    def recall(self, stored_at: Callable[[AccountId], int | None]) -> None:
        """Takes up the rests of an earlier process, of accounts whose session in the vault is no newer.

        `stored_at` gives when the account's session was stored (Unix seconds), None for one that is not in the vault.
        """
        for key, state in list(self.book.challenges()) if self.rules.cooldown is not None else ():
            at = stored_at(key)
            if key in self.paces and state.until is not None and at is not None and at <= state.since:
                rest = Breaker(CHALLENGE_REST, self.clock)
                rest.resume(state.until - self.now(), max(state.until - state.since, CHALLENGE_REST.open_s))
                error = ProviderError(ErrorKind.CHALLENGE, state.reason)
                self._lane(key).challenge = _Challenge(error, self.standing(key), rest)

    def look(self) -> None:
        """Forgets the challenges of sessions that have been replaced. To be called now and then."""
        for key, lane in self._lanes.items():
            self._challenge(key, lane)

    # -- before a request -----------------------------------------------------------------------------------------
    def blocked(self, key: AccountId, model: str) -> Blocked | None:
        """Why the account is not to be asked for the model now, or None."""
        for limited in ((*key, model), key) if self.rules.cooldown is not None else ():
            if (left := self._cooldowns.left_s(limited)) > 0:
                known = self._reasons.get(limited)
                kind = known.kind if known else ErrorKind.RATE_LIMITED
                error = ProviderError(kind, known.message if known else "limited", retry_after_s=left)
                return Blocked(error, left, by_breaker=False)
        lane = self._lane(key)
        challenge = self._challenge(key, lane)
        if challenge is not None and (wait := challenge.rest.wait_s()) > 0:
            return Blocked(challenge.error, wait, by_breaker=False)
        breaker = lane.breakers.get(model)
        if breaker is not None and (wait := breaker.wait_s()) > 0:
            last = lane.errors.get(model) or ProviderError(ErrorKind.PROVIDER_DOWN, "the provider keeps failing.")
            return Blocked(last, wait, by_breaker=True)
        return None

    def shunned(self, key: AccountId) -> bool:
        """Whether others should be asked first."""
        return self._lane(key).shunned_until > self.clock() or self.challenged(key)

    def challenged(self, key: AccountId) -> bool:
        """Whether the account's site wants a human, as far as is known: it rests, or is about to be tried."""
        return self._challenge(key, self._lane(key)) is not None

    def has_room(self, key: AccountId) -> bool:
        return self._lane(key).limiter.has_room

    def load(self, key: AccountId) -> float:
        return self._lane(key).limiter.load

    async def enter(self, key: AccountId, model: str) -> Blocked | None:
        """Waits for a turn at the account; every turn ends with `leave` for that model. Raises LimiterFull.

        What has come to stand against the account meanwhile is given back instead of a turn.
        """
        lane = self._lane(key)
        await lane.limiter.enter()
        if (blocked := self.blocked(key, model)) is not None:
            lane.limiter.leave()
            return blocked
        if (breaker := lane.breakers.get(model)) is not None:
            breaker.begin()
        if lane.challenge is not None:
            lane.challenge.rest.begin()
        return None

    def leave(self, key: AccountId, model: str) -> None:
        lane = self._lane(key)
        lane.limiter.leave()
        if (breaker := lane.breakers.get(model)) is not None:
            breaker.dropped()
        if lane.challenge is not None:
            lane.challenge.rest.dropped()
        if lane.limiter.pace.per_day is not None:
            ago = self.now() - self.clock()
            self.book.note_starts(key, [start + ago for start in lane.limiter.starts_today()])

    def began(self, key: AccountId) -> None:
        """The account's site has begun to answer: nobody need wait for the end of that to try a challenged account."""
        lane = self._lane(key)
        if lane.challenge is not None:
            lane.challenge.rest.dropped()

    # -- after a request ------------------------------------------------------------------------------------------
    def succeeded(self, key: AccountId, model: str) -> None:
        lane = self._lane(key)
        lane.shunned_until, lane.challenge = 0.0, None
        if (breaker := lane.breakers.get(model)) is not None:
            breaker.succeeded()
        for limited in ((*key, model), key):
            self._cooldowns.lifted(limited)
            self._reasons.pop(limited, None)
        self.book.lift(key, model)

    def failed(self, key: AccountId, model: str, error: ProviderError) -> None:
        """A failure: a limit cools the account or its model down, a challenge makes it rest, a site's fault counts in
        the breaker."""
        lane = self._lane(key)
        if error.kind in LIMITS:
            if self.rules.cooldown is not None:
                self._limited(key, model, error)
        elif error.kind in SITE_FAULTS:
            lane.errors[model] = error
            if len(lane.errors) > MODELS_KEPT:  # a site may rename its models every day
                oldest = next(iter(lane.errors))
                del lane.errors[oldest]
                lane.breakers.pop(oldest, None)
            if self.rules.breaker is not None:
                # Made at the first fault: an account without faults needs none.
                lane.breakers.setdefault(model, Breaker(self.rules.breaker, self.clock)).failed()
        elif error.kind is ErrorKind.CHALLENGE:
            lane.shunned_until = self.clock() + SHUNNED_S
            until = None
            if self.rules.cooldown is not None:
                rest = (
                    challenge.rest if (challenge := self._challenge(key, lane)) else Breaker(CHALLENGE_REST, self.clock)
                )
                rest.failed()  # of requests that met it together the first one counts
                lane.challenge = _Challenge(error, self.standing(key), rest)
                until = int(self.now() + rest.wait_s())
            self.book.note(key, AccountState(Health.CHALLENGED, int(self.now()), until, error.message))

    def reset(self, key: AccountId) -> None:
        """Forgets what stands against the account."""
        self._lanes.pop(key, None) if not self._busy(key) else self._calm(key)
        for limited in [known for known in self._cooldowns.known if known[:2] == key]:
            self._cooldowns.lifted(limited)
            self._reasons.pop(limited, None)

    # -- details --------------------------------------------------------------------------------------------------
    def _challenge(self, key: AccountId, lane: _Lane) -> _Challenge | None:
        """The challenge that stands against the account's session; forgotten once another session was stored."""
        if lane.challenge is not None:
            if self.rules.cooldown is None:
                return None
            if lane.challenge.session != self.standing(key):
                lane.challenge, lane.shunned_until = None, 0.0
                if (noted := self.book.state(key)) is not None and noted.health is Health.CHALLENGED:
                    self.book.note(key, AccountState(Health.OK, int(self.now()), None, "another session was stored"))
        return lane.challenge

    def _limited(self, key: AccountId, model: str, error: ProviderError) -> None:
        limited: tuple[str, ...] = (*key, model) if error.scope == "model" else key
        found = self._cooldowns.limited(limited, error)
        self._reasons[limited] = error
        if len(self._reasons) > KNOWN_LIMIT:
            self._reasons = {key: reason for key, reason in self._reasons.items() if key in self._cooldowns.known}
        state = AccountState(Health.LIMITED, int(self.now()), int(found.until), error.message)
        if len(limited) == 3:
            self.book.note_model(key, model, state)
        else:
            self.book.note(key, state)

    def _busy(self, key: AccountId) -> bool:
        lane = self._lanes.get(key)
        return lane is not None and (lane.limiter.busy > 0 or lane.limiter.waiting > 0)

    def _calm(self, key: AccountId) -> None:
        lane = self._lanes[key]
        lane.shunned_until, lane.challenge = 0.0, None
        lane.errors.clear()
        lane.breakers.clear()

    def _lane(self, key: AccountId) -> _Lane:
        lane = self._lanes.get(key)
        if lane is None:
            limiter = AccountLimiter(self.paces.get(key, RateLimits()), self.clock)
            if limiter.pace.per_day is not None:
                ago = self.now() - self.clock()
                recent = [start for start in self.book.starts(key) if 0 <= self.now() - start < DAY_S]
                limiter.remember([start - ago for start in recent])
            lane = self._lanes[key] = _Lane(limiter)
        return lane
