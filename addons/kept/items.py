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
ANSWERS: Final = "response"
"""The kind of items that answers are, with the conversations before them."""
_OF_ANSWERS: Final = frozenset({ANSWERS, "item"})
"""With the ids of what they consist of, which go as they do, and push out no file's."""
THING_BYTES: Final = 64 * 1024
THINGS_BYTES: Final = 16 * MEGABYTE
"""All that are no answers, which say where something lies and what it is."""
DEFAULT_DAYS: Final = 30.0
DEFAULT_MB: Final = 64.0


def bounds_of(days: float, megabytes: float) -> tuple[Bounds, Bounds]:
    """The bounds of answers, and of all other kinds of items: no big answer pushes one of those out.

    One client key has at most half of the room, one answer an eighth. Without any nothing is kept.
    """
    room, keep_s = int(megabytes * MEGABYTE), days * DAY_S
    answers = Bounds(MOST_ITEMS, room // 8, room // 2, room, keep_s)
    things = Bounds(MOST_ITEMS, THING_BYTES, THINGS_BYTES // 2, THINGS_BYTES, keep_s)
    return answers, things if room else answers


class KeptStore:
    """All items. `now` gives Unix seconds."""

    def __init__(
        self, now: Callable[[], float] = time.time, days: float = DEFAULT_DAYS, megabytes: float = DEFAULT_MB
    ) -> None:
        self.now = now
        answers, things = bounds_of(days, megabytes)
        self.answers, self.things = Shelf(answers), Shelf(things)
        self._salt = secrets.token_bytes(16)
        self._owners: dict[bytes, bytes] = {}

    def of(self, identity: bytes | None) -> "ItemsOf":
        """The items of a client key (KeyIdentity.digest)."""
        return ItemsOf(self, identity or b"")

    def bound(self, days: float, megabytes: float) -> None:
        """Other bounds are in force; what does not fit goes."""
        self.answers.bounds, self.things.bounds = bounds_of(days, megabytes)
        self.trim()

    def trim(self) -> None:
        """Forgets what is too old."""
        for shelf in (self.answers, self.things):
            shelf.trim(self.now())

    def owner(self, identity: bytes) -> bytes:
        """What stands for a client key."""
        if (known := self._owners.get(identity)) is None:
            known = self._owners[identity] = hmac.digest(self._salt, identity, "sha256")
        return known

    def shelf(self, kind: str) -> Shelf:
        """Where items of a kind are."""
        return self.answers if kind in _OF_ANSWERS else self.things

    # -- for the mirror -------------------------------------------------------------------------------------------
    @property
    def version(self) -> tuple[int, int]:
        """Another one after each change."""
        return self.answers.version, self.things.version

    def items(self) -> dict[ItemKey, Item]:
        """All of them, as they are now."""
        return {**self.things.items, **self.answers.items}

    def salted(self, salt: bytes) -> None:
        """Client keys are hashed with this from now on, as they were by whoever wrote the mirror."""
        if salt == self._salt:
            return
        before, self._owners, self._salt = self._owners, {}, salt
        for identity, owner in before.items():
            for shelf in (self.answers, self.things):
                for key, item in reversed(list(shelf.of(owner, self.now()))):
                    shelf.remove(key)
                    shelf.put(key._replace(owner=self.owner(identity)), item, self.now())

    def adopt(self, key: ItemKey, item: Item) -> None:
        """Takes up an item that another process has kept; what is known already goes before it."""
        shelf = self.shelf(key.kind)
        if key not in shelf.items:
            shelf.put(key, item, self.now())

    def removed_elsewhere(self, key: ItemKey, item: Item) -> None:
        """Another process has removed the item."""
        shelf = self.shelf(key.kind)
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
        now = self.store.now()
        return self.store.shelf(kind).put(self._key(kind, id), Item(value, now, place), now)

    def delete(self, kind: str, id: str) -> bool:
        """Forgets the item; False where there was none."""
        known = self._find(kind, id) is not None
        return self.store.shelf(kind).remove(self._key(kind, id)) and known

    def ids(self, kind: str) -> list[str]:
        """The ids of a kind, the newest first."""
        mine = self.store.shelf(kind).of(self.store.owner(self.identity), self.store.now())
        return [key.id for key, _ in mine if key.kind == kind]

    def _find(self, kind: str, id: str) -> Item | None:
        return self.store.shelf(kind).get(self._key(kind, id), self.store.now())

    def _key(self, kind: str, id: str) -> ItemKey:
        return ItemKey(self.store.owner(self.identity), kind, id)
