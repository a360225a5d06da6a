"""In which order the accounts that can serve a model are asked. Pure; randomness is passed in."""

import hashlib
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from providers.chat import ChatRequest

type Strategy = Literal["priority", "round_robin", "least_busy", "weighted"]

REMEMBERED: Final = 10_000
"""Conversations whose account is remembered; the longest unused is forgotten first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One account as the strategies see it, in the order of config.yaml."""

    key: tuple[str, str]
    priority: int = 0
    """Smaller comes first."""
    weight: int = 1
    load: float = 0.0


@dataclass(slots=True)
class Orderer:
    """Keeps what the strategies need to remember: whose turn it is, which conversation is where."""

    rng: random.Random
    _turns: dict[str, int] = field(default_factory=dict)
    _homes: OrderedDict[str, tuple[str, str]] = field(default_factory=OrderedDict)

    def order(self, choices: Sequence[Choice], strategy: Strategy, model: str, conversation: str) -> list[int]:
        """Indices of `choices`, first to ask first. The conversation's own account comes before all others."""
        found = self._by_strategy(choices, strategy, model)
        home = self._homes.get(conversation)
        if home is not None:
            found.sort(key=lambda index: choices[index].key != home)
        return found

    def settled(self, conversation: str, key: tuple[str, str]) -> None:
        """The conversation was answered by that account: its next turn goes there too."""
        self._homes[conversation] = key
        self._homes.move_to_end(conversation)
        if len(self._homes) > REMEMBERED:
            self._homes.popitem(last=False)

    def _by_strategy(self, choices: Sequence[Choice], strategy: Strategy, model: str) -> list[int]:
        indices = list(range(len(choices)))
        match strategy:
            case "round_robin":
                turn = self._turns.get(model, 0) % max(len(indices), 1)
                self._turns[model] = turn + 1
                return indices[turn:] + indices[:turn]
            case "least_busy":
                return sorted(indices, key=lambda index: (choices[index].load, choices[index].priority))
            case "weighted":
                # Efraimidis and Spirakis: sorting by u ** (1 / weight) draws without putting back, by weight.
                drawn = {index: self.rng.random() ** (1 / choices[index].weight) for index in indices}
                return sorted(indices, key=lambda index: -drawn[index])
            case _:
                return sorted(indices, key=lambda index: choices[index].priority)


def conversation_of(chat: ChatRequest) -> str:
    """What stays the same through a conversation: the client's own key for it, or the words it began with."""
    if chat.affinity:
        return f"key:{chat.affinity}"
    digest = hashlib.sha256(chat.model.encode())
    for message in chat.messages:
        digest.update(f"\0{message.role}\0{message.text()}".encode("utf-8", "surrogatepass"))
        if message.role == "user":
            break
    return digest.hexdigest()
