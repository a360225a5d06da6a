"""The index of the secrets in force, rebuilt when they change, never at the cost of a request.

Few new secrets (a renewal) get a small segment of their own at once. Many are searched for one by one until a thread
has made their segments: each takes some 10 ms of the interpreter's lock. A secret that was replaced stays known for a
while: a site may still say it.
"""

import threading
from collections.abc import Callable, Iterable
from itertools import islice
from operator import is_
from typing import Final

from addons.cleaning.index import Index, KnownSecret, Literal, Segment, letters_of, portions

RECENT_BYTES: Final = 16 * 1024
"""New secrets up to this much are taken into the index at once."""
FORMER_LIMIT: Final = 1000
"""Secrets of before that stay known."""

type Version = tuple[object, ...]
"""Says that nothing has changed: the very same objects as before."""


class KnownSecrets:
    """Keeps the index. `version` is asked at every use and does no I/O; `find` lists the secrets when it has
    changed."""

    def __init__(self, version: Callable[[], Version], find: Callable[[], Iterable[KnownSecret]]) -> None:
        self._lock = threading.Lock()
        self._known: dict[KnownSecret, None] = {}
        """Those in force and those of before."""
        self._former: dict[KnownSecret, None] = {}
        self._base: list[Segment] = []
        self._based: frozenset[KnownSecret] = frozenset()
        """The secrets that the segments of _base hold."""
        self._base_letters: frozenset[int] = frozenset()
        self._index = Index()
        self.builder: threading.Thread | None = None
        """Makes the segments of many new secrets, while there is any."""
        self.set_source(version, find)
        with self._lock:
            self._refresh()
            wanted = list(self._known)
            self._rebase(wanted, [Segment(forms) for forms in portions(wanted)])  # nobody waits yet

    def set_source(self, version: Callable[[], Version], find: Callable[[], Iterable[KnownSecret]]) -> None:
        """Replaces `version` and `find`: for a new configuration of the same process."""
        self._version, self._find = version, find
        self._seen: Version | None = None

    def index(self) -> Index:
        """The index of the secrets in force now."""
        if not self._is_fresh():
            with self._lock:
                if not self._is_fresh():
                    self._refresh()
                    self._assemble()
        return self._index

    def learn(self, secrets: Iterable[KnownSecret]) -> None:
        """Adds secrets that have just been handed out, before the vault has them."""
        with self._lock:
            new = [one for one in secrets if one not in self._known]
            if not new:
                return
            self._former.update(dict.fromkeys(new))
            self._known = {**self._known, **self._former}
            for one in self._beyond():
                del self._former[one], self._known[one]
            self._assemble()

    def _beyond(self) -> list[KnownSecret]:
        """The oldest of those of before that are too many."""
        return list(islice(self._former, max(0, len(self._former) - FORMER_LIMIT)))

    def _is_fresh(self) -> bool:
        seen, now = self._seen, self._version()
        return seen is not None and len(seen) == len(now) and all(map(is_, seen, now))

    def _refresh(self) -> None:
        """Reads which secrets are in force."""
        version = self._version()
        found = dict.fromkeys(self._find())
        self._former.update(dict.fromkeys(one for one in self._known if one not in found))
        for one in [one for one in self._former if one in found]:
            del self._former[one]
        for one in self._beyond():
            del self._former[one]
        self._known = {**found, **self._former}
        self._seen = version

    def _assemble(self) -> None:
        """The index of the segments there are, and of the secrets that are in none."""
        recent = [one for one in self._known if one not in self._based]
        segments: list[Segment | Literal] = [*self._base]
        if sum(len(one.value) for one in recent) <= RECENT_BYTES:
            segments += [Segment(forms) for forms in portions(recent)]
        else:
            segments += [Literal(forms) for forms in portions(recent)]
            if self.builder is None:
                self.builder = threading.Thread(target=self._build, name="glassgate secrets", daemon=True)
                self.builder.start()
        self._index = Index(segments, self._known, self._base_letters | letters_of(recent))

    def _build(self) -> None:
        """Runs in a thread of its own."""
        wanted = list(self._known)
        base: list[Segment] | None = None
        try:
            base = [Segment(forms) for forms in portions(wanted)]
        finally:
            with self._lock:
                self.builder = None
                if base is not None:
                    self._rebase(wanted, base)

    def _rebase(self, wanted: list[KnownSecret], base: list[Segment]) -> None:
        self._base, self._based, self._base_letters = base, frozenset(wanted), letters_of(wanted)
        self._assemble()
