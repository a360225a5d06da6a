"""What stands against asking an account now: cool-downs, a check for humans, breakers. Each answer teaches it more.

Cool-downs and the rest after a check for humans outlive the process in the state store; breakers begin anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from addons.accounts.account_health import AccountHealth
from addons.accounts.account_record import AccountId
from addons.accounts.breaker import STATES, Breaker, BreakerRules
from addons.accounts.cooldown import CHALLENGE_REST, LIMITS, CooldownRules, Cooldowns
from addons.accounts.health import AccountState, Health
from providers.contract.errors import ErrorKind, ProviderError

MODELS_KEPT: Final = 500
"""Models of one account whose faults are remembered."""
DEFERRED_S: Final = 60.0
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
    """Which session met it (`standing`): another one is tried at once."""
    rest: Breaker


@dataclass(slots=True)
class Availability:
    """One account's. `clock` is monotonic; `standing` gives another value once another session was stored."""

    rules: AvailabilityRules
    health: AccountHealth
    clock: Callable[[], float]
    standing: Callable[[], object]
    challenged: set[AccountId]
    """Of all accounts; this one is among them while a challenge stands against it."""
    _cooldowns: Cooldowns[str | None] = field(init=False)
    """By model; None for the account as a whole."""
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    """By model: one sick model of a key must not take the others down."""
    _faults: dict[str, ProviderError] = field(default_factory=dict)
    """The newest fault of the site, by model."""
    _challenge: _Challenge | None = None
    _deferred_until: float = 0.0

    def __post_init__(self) -> None:
        self._cooldowns = Cooldowns(self.rules.cooldown or CooldownRules(), self.health.now)

    def recall(self, stored_at: int | None) -> None:
        """Takes up the limits of an earlier process, and the rest of one, unless the session in the vault is newer.

        `stored_at`: when it was stored (Unix seconds), None for one that is not in the vault.
        """
        if self.rules.cooldown is None:
            return
        for model, limited in self.health.recorded_models.items():
            self._resume(model, limited)
        state = self.health.recorded
        if state is None or state.until is None:
            return
        if state.health is Health.LIMITED:
            self._resume(None, state)
        elif state.health is Health.CHALLENGED and stored_at is not None and stored_at <= state.since:
            rest = Breaker(CHALLENGE_REST, self.clock)
            rest.resume(state.until - self.health.now(), max(state.until - state.since, CHALLENGE_REST.open_s))
            self._stand(_Challenge(ProviderError(ErrorKind.CHALLENGE, state.reason), self.standing(), rest))

    def reconfigure(self, rules: AvailabilityRules, standing: Callable[[], object]) -> None:
        """Other rules from now on; what is known stays."""
        self.rules, self.standing = rules, standing
        self._cooldowns.rules = rules.cooldown or CooldownRules()
        if rules.breaker is None:
            self._breakers.clear()
        for breaker in self._breakers.values():
            breaker.rules = rules.breaker or breaker.rules

    def forget_replaced(self) -> None:
        """Forgets the challenge of a session that has been replaced. To be called now and then."""
        self._standing_challenge()

    def breakers(self) -> dict[str, int]:
        """State of a breaker → how many of the account's models have it in that; a model without faults has none."""
        found = dict.fromkeys(STATES, 0)
        for breaker in self._breakers.values():
            found[breaker.state] += 1
        return found

    # -- before a request -----------------------------------------------------------------------------------------
    def blocked(self, model: str) -> Blocked | None:
        """Why the account is not to be asked for the model now, or None."""
        for limited in (model, None) if self.rules.cooldown is not None else ():
            if (left := self._cooldowns.left_s(limited)) > 0:
                known = self._cooldowns.known[limited].error
                return Blocked(ProviderError(known.kind, known.message, retry_after_s=left), left, by_breaker=False)
        challenge = self._standing_challenge()
        if challenge is not None and (wait := challenge.rest.wait_s()) > 0:
            return Blocked(challenge.error, wait, by_breaker=False)
        breaker = self._breakers.get(model)
        if breaker is not None and (wait := breaker.wait_s()) > 0:
            last = self._faults.get(model) or ProviderError(ErrorKind.PROVIDER_DOWN, "the provider keeps failing.")
            return Blocked(last, wait, by_breaker=True)
        return None

    def is_deferred(self) -> bool:
        """Whether others should be asked first."""
        return self._deferred_until > self.clock() or self.is_challenged()

    def is_challenged(self) -> bool:
        """Whether the account's site wants a human, as far as is known: it rests, or is about to be tried."""
        return self._standing_challenge() is not None

    # -- a request ------------------------------------------------------------------------------------------------
    def begin(self, model: str) -> None:
        """A request goes; it is the probe of what is not closed."""
        if (breaker := self._breakers.get(model)) is not None:
            breaker.begin()
        if self._challenge is not None:
            self._challenge.rest.begin()

    def answering(self) -> None:
        """The site has begun to answer: nobody need wait for the end of that to try a challenged account."""
        if self._challenge is not None:
            self._challenge.rest.dropped()

    def dropped(self, model: str) -> None:
        """A request is over, whatever it told."""
        if (breaker := self._breakers.get(model)) is not None:
            breaker.dropped()
        if self._challenge is not None:
            self._challenge.rest.dropped()

    def succeeded(self, model: str) -> None:
        self._stand(None)
        if (breaker := self._breakers.get(model)) is not None:
            breaker.succeeded()
        self._cooldowns.lifted(model)
        self._cooldowns.lifted(None)
        self.health.lift_model(model)

    def failed(self, model: str, error: ProviderError) -> None:
        """A failure: a limit cools the account or its model down, a challenge makes it rest, a site's fault counts in
        the breaker."""
        if error.kind in LIMITS:
            if self.rules.cooldown is not None:
                self._limited(model, error)
        elif error.kind in SITE_FAULTS:
            self._faulty(model, error)
        elif error.kind is ErrorKind.CHALLENGE:
            self._challenged(error)

    def reset(self) -> None:
        """Forgets what stands against the account."""
        self._stand(None)
        self._faults.clear()
        self._breakers.clear()
        self._cooldowns.known.clear()

    # -- details --------------------------------------------------------------------------------------------------
    def _resume(self, model: str | None, state: AccountState) -> None:
        if state.until is not None:
            self._cooldowns.resume(model, state.until, ProviderError(ErrorKind.RATE_LIMITED, state.reason))

    def _stand(self, challenge: _Challenge | None) -> None:
        """A challenge stands against the account from now on, or none does."""
        self._challenge = challenge
        if challenge is not None:
            self.challenged.add(self.health.key)
        else:
            self._deferred_until = 0.0
            self.challenged.discard(self.health.key)

    def _standing_challenge(self) -> _Challenge | None:
        """The challenge that stands against the account's session; forgotten once another session was stored."""
        if self._challenge is not None:
            if self.rules.cooldown is None:
                return None
            if self._challenge.session != self.standing():
                self._stand(None)
                if (recorded := self.health.state) is not None and recorded.health is Health.CHALLENGED:
                    self.health.well("another session was stored")
        return self._challenge

    def _limited(self, model: str, error: ProviderError) -> None:
        of_model = error.scope == "model"
        found = self._cooldowns.limited(model if of_model else None, error)
        state = AccountState(Health.LIMITED, int(self.health.now()), int(found.until), error.message)
        if of_model:
            self.health.limit_model(model, state)
        else:
            self.health.record(state)

    def _faulty(self, model: str, error: ProviderError) -> None:
        self._faults[model] = error
        if len(self._faults) > MODELS_KEPT:  # a site may rename its models every day
            oldest = next(iter(self._faults))
            del self._faults[oldest]
            self._breakers.pop(oldest, None)
        if self.rules.breaker is not None:
            # Made at the first fault: an account without faults needs none.
            self._breakers.setdefault(model, Breaker(self.rules.breaker, self.clock)).failed()

    def _challenged(self, error: ProviderError) -> None:
        self._deferred_until = self.clock() + DEFERRED_S
        until, now = None, self.health.now()
        if self.rules.cooldown is not None:
            known = self._standing_challenge()
            rest = known.rest if known is not None else Breaker(CHALLENGE_REST, self.clock)
            rest.failed()  # of requests that met it together the first one counts
            self._stand(_Challenge(error, self.standing(), rest))
            until = int(now + rest.wait_s())
        self.health.record(AccountState(Health.CHALLENGED, int(now), until, error.message))
