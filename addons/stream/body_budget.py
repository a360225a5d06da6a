"""The budget of request bodies held in memory: bounded for each client address, for each client key, and in all.

A body counts from its first byte until its request is over: behind the last byte it is read, sent on and sent again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

OF_ONE: Final = 8
OF_ALL: Final = 16
"""Bodies of the largest size that a client, and all together, may have under way."""
LEAST_OF_ONE_BYTES: Final = 128 * 1024 * 1024
LEAST_OF_ALL_BYTES: Final = 2 * LEAST_OF_ONE_BYTES
"""They may have so much in any case, however small `limits.body_mb` is."""

type Holders = Sequence[str]
"""Who a body belongs to: the address where it is one person's, the name of the key."""


@dataclass(slots=True)
class BodyBudget:
    """The bytes of request bodies held now, by holder."""

    least_of_one: int = LEAST_OF_ONE_BYTES
    least_of_all: int = LEAST_OF_ALL_BYTES
    held: Counter[str] = field(default_factory=Counter)
    total: int = 0
    _complete: dict[str, tuple[Holders, int]] = field(default_factory=dict)
    """Bodies that are whole, by the id of their flow."""

    def reserve(self, holders: Holders, count: int, largest: int) -> bool:
        """True when `count` bytes more fit, where one body may have `largest`; they are counted then."""
        if self.total + count > max(OF_ALL * largest, self.least_of_all):
            return False
        most = max(OF_ONE * largest, self.least_of_one)
        if any(self.held[holder] + count > most for holder in holders):
            return False
        for holder in holders:
            self.held[holder] += count
        self.total += count
        return True

    def release(self, holders: Holders, count: int) -> None:
        """Takes `count` bytes off each holder."""
        self.total -= count
        for holder in holders:
            self.held[holder] -= count
            if self.held[holder] <= 0:
                del self.held[holder]

    def complete(self, flow_id: str, holders: Holders, count: int) -> None:
        """Keeps a complete body's bytes counted until `ended`."""
        self._complete[flow_id] = (holders, count)

    def ended(self, flow_id: str) -> None:
        """Releases what a flow's request held, if anything. For any flow, any number of times."""
        if (found := self._complete.pop(flow_id, None)) is not None:
            self.release(*found)
