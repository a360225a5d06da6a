"""A bounded shelf of items in the order in which they were put there: the oldest of whoever has most goes first. Times
are passed in."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

OVERHEAD_BYTES: Final = 400
"""What an item takes besides its value and its id, about."""


class ItemKey(NamedTuple):
    """Whose item it is, and which. `owner` stands for a client key (owners.py)."""

    owner: bytes
    kind: str
    id: str


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A kept item; another value is another item."""

    value: bytes
    since: float
    """When it was put, in Unix seconds."""
    place: tuple[str, str] | None = None
    """The account (provider, account) that has what the id names."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a shelf holds. Bytes count value, id and OVERHEAD_BYTES."""

    items: int
    item_bytes: int
    owner_bytes: int
    all_bytes: int
    keep_s: float


def size_of(key: ItemKey, item: Item) -> int:
    """The bytes that an item counts for."""
    return len(item.value) + len(key.id) + OVERHEAD_BYTES


@dataclass(slots=True)
class _Part:
    """One owner's."""

    keys: OrderedDict[ItemKey, None] = field(default_factory=OrderedDict)
    size: int = 0


class Shelf:
    """The items. Each call costs as much as it adds or removes, however many there are, and a look at each owner where
    room has to be made."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.size = 0
        """Bytes of all."""
        self.version = 0
        """Another number after each change."""
        self._items: OrderedDict[ItemKey, Item] = OrderedDict()
        self._parts: dict[bytes, _Part] = {}

    def __len__(self) -> int:
        return len(self._items)

    @property
    def items(self) -> Mapping[ItemKey, Item]:
        """All, the oldest first."""
        return self._items

    def get(self, key: ItemKey, now: float) -> Item | None:
        found = self._items.get(key)
        return found if found is not None and now - found.since < self.bounds.keep_s else None

    def of(self, owner: bytes, now: float) -> Iterator[tuple[ItemKey, Item]]:
        """One owner's, the newest first."""
        part = self._parts.get(owner)
        for key in reversed(part.keys) if part is not None else ():
            if (item := self.get(key, now)) is not None:
                yield key, item

    def put(self, key: ItemKey, item: Item, now: float) -> bool:
        """Puts it behind all others, which make room for it; False where it is too large, and nothing changed."""
        size, bounds = size_of(key, item), self.bounds
        if size > bounds.item_bytes or size > bounds.owner_bytes:
            return False
        if key in self._items:
            self.remove(key)
        self._items[key] = item
        if (part := self._parts.get(key.owner)) is None:
            part = self._parts[key.owner] = _Part()
        part.keys[key] = None
        part.size += size
        self.size += size
        self.version += 1
        while part.size > bounds.owner_bytes:
            self.remove(next(iter(part.keys)))
        self.trim(now)
        return True

    def remove(self, key: ItemKey) -> bool:
        """Takes it away; False where there was none."""
        if (item := self._items.pop(key, None)) is None:
            return False
        part, size = self._parts[key.owner], size_of(key, item)
        del part.keys[key]
        part.size -= size
        self.size -= size
        self.version += 1
        if not part.keys:
            del self._parts[key.owner]
        return True

    def trim(self, now: float) -> None:
        """Takes away what is too old, then what is too much: of whoever has most, the oldest first. So nobody who puts
        many there pushes out what another one has few of."""
        bounds = self.bounds
        while self._items:
            key, item = next(iter(self._items.items()))
            if now - item.since < bounds.keep_s:
                break
            self.remove(key)
        while len(self._items) > bounds.items:
            self._take_of_fullest(lambda part: len(part.keys))
        while self.size > bounds.all_bytes:
            self._take_of_fullest(lambda part: part.size)

    def _take_of_fullest(self, measure: Callable[[_Part], int]) -> None:
        """Of two who have as much, it is the one who has had something for longer."""
        fullest = max(self._parts.values(), key=lambda part: (measure(part), -self._oldest(part).since))
        self.remove(next(iter(fullest.keys)))

    def _oldest(self, part: _Part) -> Item:
        return self._items[next(iter(part.keys))]
