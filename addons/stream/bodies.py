"""What is kept of requests that are not whole yet: bounded for each client address together, and in all."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

OF_ONE: Final = 8
OF_ALL: Final = 32
"""Bodies of the largest size that a client address, and all together, may leave unfinished."""


@dataclass(slots=True)
class Bodies:
    """Bytes of unfinished bodies by client address."""

    held: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def take(self, host: str, count: int, largest: int, *, one_person: bool) -> bool:
        """Whether `count` bytes more may be kept, where one body may have `largest`; then they are counted."""
        if self.total + count > OF_ALL * largest:
            return False
        if one_person and self.held[host] + count > OF_ONE * largest:
            return False
        self.held[host] += count
        self.total += count
        return True

    def give_back(self, host: str, count: int) -> None:
        self.total -= count
        self.held[host] -= count
        if self.held[host] <= 0:
            del self.held[host]
