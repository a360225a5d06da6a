"""The accounts that can serve one model of a request, in the order they are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from addons.accounts.account_record import AccountId
from addons.accounts.lease import Candidate
from addons.routing.strategy import AccountChoice, OrderState, Strategy


@dataclass(frozen=True, slots=True)
class Share:
    """What config.yaml says of an account for the strategies."""

    priority: int = 0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class CandidateOrder:
    """Who is asked first. Lives as long as the configuration; `state` longer."""

    state: OrderState
    shares: Mapping[AccountId, Share]
    strategy: Strategy
    strategies: Mapping[str, Strategy]

    def of(self, found: Sequence[Candidate], model: str, conversation: str) -> list[Candidate]:
        """The candidates as the model's strategy wants them; those whose site wants a human come last."""
        choices = [self._choice(candidate) for candidate in found]
        strategy = self.strategies.get(model, self.strategy)
        ordered = [found[index] for index in self.state.order(choices, strategy, model, conversation)]
        ordered.sort(key=lambda candidate: candidate.account.availability.is_deferred())
        return ordered

    def settled(self, conversation: str, candidate: Candidate) -> None:
        """The conversation was answered by that account: its next turn goes there too."""
        self.state.settled(conversation, candidate.key)

    def _choice(self, candidate: Candidate) -> AccountChoice:
        share = self.shares.get(candidate.key, Share())
        return AccountChoice(candidate.key, share.priority, share.weight, candidate.account.limiter.load)
