"""What keys have used since a time, out of the ledger: with it meters go on after a restart."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import batched
from typing import Final, Protocol

from addons.config.configuration import Config
from addons.usage.errors import LedgerMissing
from addons.usage.place import Place, place_of
from addons.usage.row import dollars

_KEYS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of prompts and answers, and their cost in USD as far as prices were known."""

    tokens: int
    cost: Decimal


class Spending(Protocol):
    """Says what keys have used. Blocks. Raises LedgerError where that cannot be known now."""

    def spent(self, since_by_key: Mapping[str, float]) -> Mapping[str, Spent]:
        """By the key's name, what it has used since a time of its own (Unix seconds); nothing of one that has not."""
        ...


class NoSpending:
    """Where there is no ledger nothing is known."""

    def spent(self, since_by_key: Mapping[str, float]) -> Mapping[str, Spent]:
        return {}


@dataclass(frozen=True, slots=True)
class LedgerSpending:
    """Out of the ledger of a place."""

    place: Place

    def spent(self, since_by_key: Mapping[str, float]) -> Mapping[str, Spent]:
        if not since_by_key:
            return {}
        from addons.usage.database import Database
        from addons.usage.reports import sums_since

        database = Database(self.place, writes=False)
        found: dict[str, Spent] = {}
        try:
            for some in batched(since_by_key.items(), _KEYS_AT_ONCE):
                sums = sums_since(database, {key: round(since * 1000) for key, since in some})
                found |= {key: Spent(tokens, dollars(nanos)) for key, (tokens, nanos) in sums.items()}
        except LedgerMissing:
            return {}
        finally:
            database.close()
        return found


def spending_of(config: Config) -> Spending:
    """What knows it in a configuration."""
    return LedgerSpending(place_of(config)) if config.sections.usage.enabled else NoSpending()
