"""The accounts that can serve one model of a request, in the order they are asked, and getting in at one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from addons.accounts.availability import AccountAvailability, Blocked
from addons.accounts.limiter import LimiterFull
from addons.accounts.sessions import Account, AccountId
from addons.routing.model_index import Route
from addons.routing.strategy import Choice, Orderer, Strategy


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account that can serve the model, and the model as its provider knows it."""

    route: Route
    account: Account

    @property
    def key(self) -> AccountId:
        return (self.account.provider, self.account.name)


@dataclass(frozen=True, slots=True)
class Share:
    """What config.yaml says of an account for the strategies."""

    priority: int = 0
    weight: int = 1


@dataclass(slots=True)
class CandidateOrder:
    """Makes candidates out of routes. Lives as long as the configuration; the orderer longer."""

    traffic: AccountAvailability
    orderer: Orderer
    shares: Mapping[AccountId, Share]
    strategy: Strategy
    strategies: Mapping[str, Strategy]

    def candidates(self, found: Sequence[Candidate], model: str, conversation: str) -> "Candidates":
        choices = [self._choice(candidate) for candidate in found]
        strategy = self.strategies.get(model, self.strategy)
        ordered = [found[index] for index in self.orderer.order(choices, strategy, model, conversation)]
        ordered.sort(key=lambda candidate: self.traffic.shunned(candidate.key))
        return Candidates(self.traffic, ordered)

    def _choice(self, candidate: Candidate) -> Choice:
        share = self.shares.get(candidate.key, Share())
        return Choice(candidate.key, share.priority, share.weight, self.traffic.load(candidate.key))


@dataclass(slots=True)
class Candidates:
    """The candidates of one model. Each is taken once, unless it is put back."""

    traffic: AccountAvailability
    left: list[Candidate]
    blocked: list[tuple[Blocked, Candidate]] = field(default_factory=list)
    """Those that were not asked because of what is known of them."""
    full: list[tuple[LimiterFull, Candidate]] = field(default_factory=list)
    """Those whose line was too long."""

    async def take(self) -> Candidate | None:
        """Gets in at the first that has room, else waits where the line is shortest. None: nobody is left.

        The place in the taken one's limiter belongs to the caller.
        """
        while True:
            self._sort_out()
            if not self.left:
                return None
            free = (candidate for candidate in self.left if self.traffic.has_room(candidate.key))
            shortest = min(self.left, key=lambda candidate: self.traffic.load(candidate.key))
            chosen = next(free, shortest)
            self.left.remove(chosen)
            try:
                blocked = await self.traffic.enter(chosen.key, chosen.route.model.id)
            except LimiterFull as full:
                self.full.append((full, chosen))
                continue
            if blocked is None:
                return chosen
            self.blocked.append((blocked, chosen))

    def soonest(self) -> tuple[Blocked, Candidate] | None:
        """Of those that were not asked, the one that may be asked first."""
        return min(self.blocked, key=lambda entry: entry[0].wait_s, default=None)

    def put_back(self, candidate: Candidate) -> None:
        """The candidate may be taken once more."""
        self.left.append(candidate)
        self.blocked = [entry for entry in self.blocked if entry[1] != candidate]

    def _sort_out(self) -> None:
        """Moves those that must not be asked now out of the line."""
        for candidate in list(self.left):
            blocked = self.traffic.blocked(candidate.key, candidate.route.model.id)
            if blocked is not None:
                self.left.remove(candidate)
                self.blocked.append((blocked, candidate))
