"""The accounts that can serve one model of a request, in the order they are asked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from addons.accounts.account import Account
from addons.accounts.account_record import AccountId
from addons.accounts.lease import Candidate, Line
from addons.accounts.pool import AccountPool
from addons.routing.model_index import ModelRoute
from addons.routing.strategy import OrderState, Roster, Strategy

ROSTERS_KEPT: Final = 200
"""Combinations of providers whose accounts are kept in order: there are as many as models with different providers."""

FEW: Final = 4
"""So many accounts are put in line at once: making them one by one takes more memory, for as long as a stream runs."""


@dataclass(frozen=True, slots=True)
class Share:
    """What config.yaml says of an account for the strategies."""

    priority: int = 0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class _Choice:
    """An account, on one of the routes to a model."""

    account: Account
    route: int
    key: AccountId
    priority: int
    weight: int

    @property
    def load(self) -> float:
        return self.account.limiter.load


@dataclass(frozen=True, slots=True)
class CandidateOrder:
    """Who is asked first. Lives as long as the configuration; `state` longer."""

    state: OrderState
    shares: Mapping[AccountId, Share]
    strategy: Strategy
    strategies: Mapping[str, Strategy]
    _rosters: dict[tuple[str, ...], Roster[_Choice]] = field(default_factory=dict)
    """By the providers of a model's routes."""

    def of(
        self,
        routes: Sequence[ModelRoute],
        pool: AccountPool,
        model: str,
        conversation: str,
        holder: AccountId | None = None,
    ) -> Line:
        """The candidates as the model's strategy wants them; those whose site wants a human come last. `holder` has the
        conversation's chat: it is asked before all others."""
        roster = self._roster(tuple(route.provider for route in routes), pool)
        strategy = self.strategies.get(model, self.strategy)
        ordered = self.state.order(roster, strategy, model, conversation, holder)
        line = _deferred_last(Candidate(choice.account, routes[choice.route].model) for choice in ordered)
        return Line(tuple(line) if len(roster.listed) <= FEW else line)

    def settled(self, conversation: str, candidate: Candidate) -> None:
        """The conversation was answered by that account: its next turn goes there too."""
        self.state.settled(conversation, candidate.key)

    def _roster(self, providers: tuple[str, ...], pool: AccountPool) -> Roster[_Choice]:
        """The accounts of these providers. The pool's are the same as long as the configuration is."""
        if (found := self._rosters.get(providers)) is None:
            if len(self._rosters) >= ROSTERS_KEPT:
                self._rosters.clear()
            found = self._rosters[providers] = Roster(
                self._choice(account, route)
                for route, provider in enumerate(providers)
                for account in pool.of(provider)
            )
        return found

    def _choice(self, account: Account, route: int) -> _Choice:
        share = self.shares.get(account.key, Share())
        return _Choice(account, route, account.key, share.priority, share.weight)


def _deferred_last(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    deferred: list[Candidate] = []
    for candidate in candidates:
        if candidate.account.availability.is_deferred():
            deferred.append(candidate)
        else:
            yield candidate
    yield from deferred
