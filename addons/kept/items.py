"""The items that are kept for client keys. In memory, bounded; a mirror on the disk makes them outlive the process."""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from addons.kept.shelf import Bounds, Item, ItemKey, Shelf

MEGABYTE: Final = 1024 * 1024
DAY_S: Final = 24 * 3600.0
ID_LIMIT: Final = 512
"""Characters of an id that is kept, and of the names of an account."""
MOST_ITEMS: Final = 20_000
PLACE_BYTES: Final = 4096
PLACES_BYTES: Final = 16 * MEGABYTE
DEFAULT_DAYS: Final = 30.0
DEFAULT_MB: Final = 64.0


def bounds_of(days: float, megabytes: float) -> tuple[Bounds, Bounds]:
    """The bounds of items with a value, and of those that only say where something lies: no big answer pushes one of
    them out.

    One client key has at most half of the room, one item an eighth. Without any nothing is kept.
    """
    room, keep_s = int(megabytes * MEGABYTE), days * DAY_S
    values = Bounds(MOST_ITEMS, room // 8, room // 2, room, keep_s)
    places = Bounds(MOST_ITEMS, PLACE_BYTES, PLACES_BYTES // 2, PLACES_BYTES, keep_s)
    return values, places if room else values


class KeptStore:
    """All items. `now` gives Unix seconds."""

    def __init__(
        self, now: Callable[[], float] = time.time, days: float = DEFAULT_DAYS, megabytes: float = DEFAULT_MB
    ) -> None:
        self.now = now
        values, places = bounds_of(days, megabytes)
        self.values, self.places = Shelf(values), Shelf(places)
        self._salt = secrets.token_bytes(16)
        self._owners: dict[bytes, bytes] = {}

    def of(self, identity: bytes | None) -> "ItemsOf":
        """The items of a client key (KeyIdentity.digest)."""
        return ItemsOf(self, identity or b"")

    def bound(self, days: float, megabytes: float) -> None:
        """Other bounds are in force; what does not fit goes."""
        self.values.bounds, self.places.bounds = bounds_of(days, megabytes)
        self.trim()

    def trim(self) -> None:
        """Forgets what is too old."""
        for shelf in (self.values, self.places):
            shelf.trim(self.now())

    def owner(self, identity: bytes) -> bytes:
        """What stands for a client key."""
        if (known := self._owners.get(identity)) is None:
            known = self._owners[identity] = hmac.digest(self._salt, identity, "sha256")
        return known

    # -- for the mirror -------------------------------------------------------------------------------------------
    @property
    def version(self) -> tuple[int, int]:
        """Another one after each change."""
        return self.values.version, self.places.version

    def items(self) -> dict[ItemKey, Item]:
        """All of them, as they are now."""
        return {**self.places.items, **self.values.items}

    def salted(self, salt: bytes) -> None:
        """Client keys are hashed with this from now on, as they were by whoever wrote the mirror."""
        if salt == self._salt:
            return
        before, self._owners, self._salt = self._owners, {}, salt
        for identity, owner in before.items():
            for shelf in (self.values, self.places):
                for key, item in reversed(list(shelf.of(owner, self.now()))):
                    shelf.remove(key)
                    shelf.put(key._replace(owner=self.owner(identity)), item, self.now())

    def adopt(self, key: ItemKey, item: Item) -> None:
        """Takes up an item that another process has kept; what is known already goes before it."""
        shelf = self.places if item.place is not None and not item.value else self.values
        if key not in self.values.items and key not in self.places.items:
            shelf.put(key, item, self.now())

    def removed_elsewhere(self, key: ItemKey, item: Item) -> None:
        """Another process has removed the item."""
        for shelf in (self.values, self.places):
            if shelf.items.get(key) is item:
                shelf.remove(key)


@dataclass(frozen=True, slots=True)
class ItemsOf:
    """One client key's items: the KeptItems of dialects (addons/dialects/kept_items.py)."""

    store: KeptStore
    identity: bytes

    def get(self, kind: str, id: str) -> bytes | None:
        """The value; None for an id that is not known, or was another key's."""
        found = self._find(kind, id)
        return found.value if found is not None else None

    def place(self, kind: str, id: str) -> tuple[str, str] | None:
        """The account that has what the id names."""
        found = self._find(kind, id)
        return found.place if found is not None else None

    def put(self, kind: str, id: str, value: bytes, place: tuple[str, str] | None = None) -> bool:
        """Keeps the item in the place of one of the same id; False where it is too large."""
        if any(len(name) > ID_LIMIT for name in (kind, id, *(place or ()))):
            return False
        key, now = self._key(kind, id), self.store.now()
        mine, other = self.store.values, self.store.places
        if not value and place is not None:
            mine, other = other, mine
        kept = mine.put(key, Item(value, now, place), now)
        if kept:
            other.remove(key)
        return kept

    def delete(self, kind: str, id: str) -> bool:
        """Forgets the item; False where there was none."""
        known = self._find(kind, id) is not None
        key = self._key(kind, id)
        self.store.values.remove(key)
        self.store.places.remove(key)
        return known

    def ids(self, kind: str) -> list[str]:
        """The ids of a kind, the newest first."""
        owner, now = self.store.owner(self.identity), self.store.now()
        found = [
            (item.since, key.id)
            for shelf in (self.store.values, self.store.places)
            for key, item in shelf.of(owner, now)
            if key.kind == kind
        ]
        return [id for _, id in sorted(found, key=lambda one: -one[0])]

    def _find(self, kind: str, id: str) -> Item | None:
        key, now = self._key(kind, id), self.store.now()
        return self.store.values.get(key, now) or self.store.places.get(key, now)

    def _key(self, kind: str, id: str) -> ItemKey:
        return ItemKey(self.store.owner(self.identity), kind, id)
