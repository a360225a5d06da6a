"""In which order the accounts that can serve a model are asked. Pure; randomness is passed in."""

import hashlib
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from providers.contract.requests import ModelRequest

type Strategy = Literal["priority", "round_robin", "least_busy", "weighted"]

REMEMBERED: Final = 10_000
"""Conversations whose account is remembered (and models whose turn is); the longest unused is forgotten first."""
_TEXTS_READ: Final = 32
_CHARS_READ: Final = 64 * 1024
"""Of the beginning of a conversation, to know it again by."""


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """One account as the strategies see it, in the order of config.yaml."""

    key: tuple[str, str]
    priority: int = 0
    """Smaller comes first."""
    weight: int = 1
    load: float = 0.0


@dataclass(slots=True)
class OrderState:
    """Keeps what the strategies need to remember: whose turn it is, which conversation is where."""

    rng: random.Random
    _turns: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _homes: OrderedDict[str, tuple[str, str]] = field(default_factory=OrderedDict)

    def order(self, choices: Sequence[AccountChoice], strategy: Strategy, model: str, conversation: str) -> list[int]:
        """Indices of `choices`, first to ask first. The conversation's own account comes before all others."""
        found = self._by_strategy(choices, strategy, model)
        home = self._homes.get(conversation)
        if home is not None:
            found.sort(key=lambda index: choices[index].key != home)
        return found

    def settled(self, conversation: str, key: tuple[str, str]) -> None:
        """The conversation was answered by that account: its next turn goes there too."""
        if conversation:
            _remember(self._homes, conversation, key)

    def _by_strategy(self, choices: Sequence[AccountChoice], strategy: Strategy, model: str) -> list[int]:
        indices = list(range(len(choices)))
        match strategy:
            case "round_robin":
                turn = self._turns.get(model, 0) % max(len(indices), 1)
                _remember(self._turns, model, turn + 1)
                return indices[turn:] + indices[:turn]
            case "least_busy":
                return sorted(indices, key=lambda index: (choices[index].load, choices[index].priority))
            case "weighted":
                # Efraimidis and Spirakis: sorting by u ** (1 / weight) draws without putting back, by weight.
                drawn = {index: self.rng.random() ** (1 / choices[index].weight) for index in indices}
                return sorted(indices, key=lambda index: -drawn[index])
            case _:
                return sorted(indices, key=lambda index: choices[index].priority)


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
