"""The store of threads: where conversations that were served can go on at their sites. Pure; the clock is passed in.

Nothing of a conversation is kept but a digest (addons/exchange/conversation.py). Taking a thread removes it: forks,
retries and turns at the same time can never share one, since the first has it and the others find none.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from addons.accounts.account_record import AccountId
from providers.contract.thread import Thread

KEPT: Final = 10_000
"""Threads; the oldest is forgotten first."""
KEPT_S: Final = 24 * 3600.0
"""A conversation that goes on later than this is sent whole."""


@dataclass(frozen=True, slots=True)
class HeldThread:
    """A thread, whose account made it, and for which model."""

    account: AccountId
    model: str
    thread: Thread


class Threads:
    """Conversation, by its digest → its thread. Lives as long as the process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: OrderedDict[bytes, tuple[float, HeldThread]] = OrderedDict()
        """With the time when each was put here, which is their order."""

    def __len__(self) -> int:
        return len(self._held)

    def holder(self, conversation: bytes) -> AccountId | None:
        """The account that holds the conversation's thread."""
        self._forget_old()
        found = self._held.get(conversation)
        return found[1].account if found is not None else None

    def take(self, conversation: bytes, account: AccountId, model: str) -> Thread | None:
        """The conversation's thread, if that account made it for that model. Nobody else gets it then."""
        self._forget_old()
        found = self._held.get(conversation)
        if found is None or (found[1].account, found[1].model) != (account, model):
            return None
        del self._held[conversation]
        return found[1].thread

    def put(self, conversation: bytes, held: HeldThread) -> None:
        """The conversation can go on there. One of the same words that was held before is forgotten."""
        self._forget_old()
        self._held.pop(conversation, None)
        self._held[conversation] = self._clock(), held
        if len(self._held) > KEPT:
            self._held.popitem(last=False)

    def _forget_old(self) -> None:
        now = self._clock()
        while self._held:
            oldest = next(iter(self._held))
            if now - self._held[oldest][0] < KEPT_S:
                return
            del self._held[oldest]
