"""The kept answers of all client keys: in memory, sealed, bounded in bytes and time.

They end with the process: what a disk would add, a plain restart costs one question each. The shelf is that of kept
items, which makes room by taking from whoever has most: a key that asks much pushes out its own answers first.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addons.cache.answer import KeptAnswer
from addons.cache.key import Asked, key_of
from addons.kept.shelf import Bounds, Item, ItemKey, Shelf
from addons.words.name_pattern import NamePattern

_MEGABYTE: Final = 1024 * 1024
_ANSWER_BYTES: Final = 4 * _MEGABYTE
_MOST_ANSWERS: Final = 1_000_000
_NONCE_BYTES: Final = 12
_SHARED: Final = b"all"
"""The owner of answers that all client keys share; that of one is 32 bytes, or none at all."""
_KIND: Final = "answer"


@dataclass(frozen=True, slots=True)
class CacheRules:
    """What config.yaml says of the cache."""

    ttl_s: float
    max_bytes: int
    models: Sequence[str] | None = None
    """Names with `*` for any letters; None: all."""
    share_all: bool = False
    always: bool = False


@dataclass(slots=True)
class CacheCounts:
    """What has happened since the start."""

    hits: int = 0
    misses: int = 0
    """Requests that were looked for and not found."""
    kept: int = 0
    """Answers that were put here."""


class AnswerCache:
    """The answers. `clock` is monotonic, in seconds; `random` gives so many random bytes.

    It is off until `bound` is given rules.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.counts = CacheCounts()
        self.rules: CacheRules | None = None
        self._clock = clock
        self._secret = random(32)
        self._cipher = AESGCM(random(32))
        self._sealed = 0
        """How many answers were: the key is of this process, so the number of one is a nonce that comes once."""
        self._shelf = Shelf(_bounds(0, 0))
        self._models: tuple[NamePattern, ...] | None = None
        self._settings: object = None
        self._version = 0

    @property
    def size_bytes(self) -> int:
        """What the answers count for, with what each takes beside its bytes."""
        return self._shelf.size

    @property
    def answers(self) -> int:
        """How many are kept."""
        return len(self._shelf)

    def bound(self, rules: CacheRules | None, settings: object) -> None:
        """These rules are in force; None: it is off, and empty.

        `settings` is all of the configuration that an answer depends on: none that was given under others is given
        any more, nor one that was begun under others kept for those.
        """
        self.rules = rules
        self._models = tuple(map(NamePattern, rules.models)) if rules is not None and rules.models is not None else None
        if rules is None or settings != self._settings:
            self._settings = settings
            self._version += 1
            self._shelf = Shelf(_bounds(0, 0))
        if rules is not None:
            self._shelf.bounds = _bounds(rules.max_bytes, rules.ttl_s)
            self.trim()

    def trim(self) -> None:
        """Forgets what is too old, and what has no room any more."""
        self._shelf.trim(self._clock())

    def serves(self, names: Sequence[str]) -> bool:
        """Whether the model, by any of its names, is one whose answers are kept."""
        return self._models is None or any(one.matches(name) for one in self._models for name in names)

    def place(self, asked: Asked, identity: bytes | None) -> ItemKey:
        """Where the answer of a request is, of a client key (KeyIdentity.digest)."""
        shared = self.rules is not None and self.rules.share_all
        owner = _SHARED if shared else identity or b""
        return ItemKey(owner, _KIND, key_of(asked, self._secret, owner, self._version))

    def get(self, place: ItemKey) -> tuple[KeptAnswer, int] | None:
        """The answer, and its age in seconds."""
        now = self._clock()
        if (item := self._shelf.get(place, now)) is None:
            return None
        nonce, sealed = item.value[:_NONCE_BYTES], item.value[_NONCE_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, sealed, _name(place))
        except InvalidTag:  # the memory of the machine is at fault
            self._shelf.remove(place)
            return None
        return KeptAnswer.from_bytes(plain), int(now - item.since)

    def put(self, place: ItemKey, answer: KeptAnswer) -> bool:
        """Keeps the answer, in the place of one to the same request; False where it is too large."""
        self._sealed += 1
        nonce, now = self._sealed.to_bytes(_NONCE_BYTES), self._clock()
        sealed = nonce + self._cipher.encrypt(nonce, answer.to_bytes(), _name(place))
        found = self._shelf.put(place, Item(sealed, now), now)
        self.counts.kept += found
        return found

    @property
    def answer_bytes(self) -> int:
        """The most that one answer may have."""
        return self._shelf.bounds.item_bytes


def _bounds(max_bytes: int, ttl_s: float) -> Bounds:
    return Bounds(_MOST_ANSWERS, min(max_bytes // 8, _ANSWER_BYTES), max_bytes, max_bytes, ttl_s)


def _name(place: ItemKey) -> bytes:
    return place.owner + place.id.encode()
