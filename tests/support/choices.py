"""Accounts as the strategies see them, of the test's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from addons.routing.strategy import AccountKey, OrderState, Roster, Strategy


@dataclass(frozen=True, slots=True)
class Chosen:
    """A Choice."""

    key: AccountKey
    priority: int = 0
    weight: int = 1
    load: float = 0.0


def order(
    state: OrderState, choices: Sequence[Chosen], strategy: Strategy, model: str = "m", conversation: str = "x"
) -> list[int]:
    """Indices of `choices`, first to ask first."""
    return [choices.index(choice) for choice in state.order(Roster(choices), strategy, model, conversation)]
