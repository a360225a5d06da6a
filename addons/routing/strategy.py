"""In which order the accounts that can serve a model are asked. Pure; randomness is passed in."""

import hashlib
import random
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, chain, islice
from typing import Final, Literal, Protocol

from providers.contract.requests import ModelRequest

type AccountKey = tuple[str, str]
"""Provider and account."""
type Strategy = Literal["priority", "round_robin", "least_busy", "weighted"]

REMEMBERED: Final = 10_000
"""Conversations whose account is remembered (and models whose turn is); the longest unused is forgotten first."""
_TEXTS_READ: Final = 32
_CHARS_READ: Final = 64 * 1024
"""Of the beginning of a conversation, to know it again by."""


class Choice(Protocol):
    """One account as the strategies see it."""

    @property
    def key(self) -> AccountKey: ...

    @property
    def priority(self) -> int:
        """Smaller comes first."""
        ...

    @property
    def weight(self) -> int: ...

    @property
    def load(self) -> float:
        """How full it is now."""
        ...


class Roster[C: Choice]:
    """The accounts that may be chosen among, in the order of config.yaml, and what is worked out of that only once."""

    def __init__(self, listed: Iterable[C]) -> None:
        self.listed = tuple(listed)
        self.by_priority = sorted(self.listed, key=lambda choice: choice.priority)
        self.weight_up_to = list(accumulate(choice.weight for choice in self.listed))
        """Of each, its own included."""
        self.by_key: dict[AccountKey, list[C]] = {}
        for choice in self.listed:
            self.by_key.setdefault(choice.key, []).append(choice)


@dataclass(slots=True)
class OrderState:
    """Keeps what the strategies need to remember: whose turn it is, which conversation is where."""

    rng: random.Random
    _turns: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _homes: OrderedDict[str, AccountKey] = field(default_factory=OrderedDict)

    def order[C: Choice](
        self, roster: Roster[C], strategy: Strategy, model: str, conversation: str, home: AccountKey | None = None
    ) -> Iterator[C]:
        """The accounts, first to ask first, each worked out when it is taken: mostly one is, of however many.

        The conversation's own account comes before all others: `home`, else the one that is remembered.
        """
        found = self._by_strategy(roster, strategy, model)
        home = home or self._homes.get(conversation)
        at_home = roster.by_key.get(home) if home is not None else None
        return chain(at_home, (choice for choice in found if choice.key != home)) if at_home else found

    def settled(self, conversation: str, key: AccountKey) -> None:
        """The conversation was answered by that account: its next turn goes there too."""
        if conversation:
            _remember(self._homes, conversation, key)

    def _by_strategy[C: Choice](self, roster: Roster[C], strategy: Strategy, model: str) -> Iterator[C]:
        match strategy:
            case "round_robin":
                turn = self._turns.get(model, 0) % max(len(roster.listed), 1)
                _remember(self._turns, model, turn + 1)
                return _from_turn(roster, turn)
            case "least_busy":
                return _least_busy(roster)
            case "weighted":
                return _drawn(roster, self.rng)
            case _:
                return iter(roster.by_priority)


def _from_turn[C: Choice](roster: Roster[C], turn: int) -> Iterator[C]:
    count = len(roster.listed)
    return (roster.listed[at % count] for at in range(turn, turn + count))


def _least_busy[C: Choice](roster: Roster[C]) -> Iterator[C]:
    """By load, alike ones by priority: those that do nothing come first, so mostly nobody is compared."""
    busy: list[C] = []
    for choice in roster.by_priority:
        if choice.load:
            busy.append(choice)
        else:
            yield choice
    yield from sorted(busy, key=lambda choice: (choice.load, choice.priority))


def _drawn[C: Choice](roster: Roster[C], rng: random.Random) -> Iterator[C]:
    """Draws without putting back, by weight: who was drawn already is drawn anew, and once those are half of the
    weight, the others get their order in one go."""
    listed, up_to = roster.listed, roster.weight_up_to
    drawn, weight = set[int](), 0
    while weight * 2 < (up_to[-1] if up_to else 0):
        at = min(bisect_right(up_to, rng.random() * up_to[-1]), len(listed) - 1)
        if at not in drawn:
            drawn.add(at)
            weight += listed[at].weight
            yield listed[at]
    # Efraimidis and Spirakis: sorting by u ** (1 / weight) is such a draw too.
    left = [(rng.random() ** (1 / choice.weight), choice) for at, choice in enumerate(listed) if at not in drawn]
    yield from (choice for _, choice in sorted(left, key=lambda one: -one[0]))


def _remember[V](table: OrderedDict[str, V], key: str, value: V) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > REMEMBERED:
        table.popitem(last=False)


def conversation_of(request: ModelRequest) -> str:
    """What stays the same through a conversation: the client's own key for it, or the words it began with. Empty for a
    request that belongs to none.

    As a digest: what is remembered of ten thousand conversations must not be as long as clients like.
    """
    if request.affinity:
        return hashlib.sha256(b"key\0" + request.affinity.encode("utf-8", "surrogatepass")).hexdigest()
    digest, begun = hashlib.sha256(request.model.encode("utf-8", "surrogatepass")), False
    for words in islice(request.opening(), _TEXTS_READ):
        digest.update(f"\0{len(words)}\0{words[:_CHARS_READ]}".encode("utf-8", "surrogatepass"))
        begun = True
    return digest.hexdigest() if begun else ""
