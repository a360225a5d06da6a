"""The mirror of kept items on the disk: read at the start, brought up to date by a job, never by a request."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from addons.kept.files import KeptFolder
from addons.kept.items import KeptStore
from addons.kept.sealing import Sealing
from addons.kept.shelf import Item, ItemKey

log = logging.getLogger("glassgate")


class MirrorKeys(NamedTuple):
    """What the mirror needs of the vault."""

    id: bytes
    """The vault's, which stays the same whatever becomes of its keys: client keys are hashed with it."""
    key: bytes
    """32 bytes; others once the vault's data key was rotated."""


class _File(NamedTuple):
    """A file of ours, and what it holds."""

    name: str
    item: Item


@dataclass(slots=True)
class Mirror:
    """The items of `store` in the files of `folder`. `keys` gives what the vault has; None as long as there is none:
    items end with the process then.

    Several processes may have the same folder: each takes up what others have written and forgets what they have
    removed, a run of `save` later.
    """

    store: KeptStore
    folder: KeptFolder
    keys: Callable[[], MirrorKeys | None]
    random: Callable[[int], bytes] = os.urandom
    _restored: bool = False
    """Whether this process has the items of the files; a command has not."""
    _sealing: Sealing | None = None
    _files: dict[ItemKey, _File] = field(default_factory=dict)
    """Files that are there as far as we know."""
    _version: object = None
    """Of the store when everything of it was written."""
    _stamp: object = None
    """Of the folder when it was looked at last."""
    _complained: bool = False
    _turn: threading.Lock = field(default_factory=threading.Lock)
    """Held while files are written: a run that was given up at the end of the process may still be at it."""

    def restore(self) -> None:
        """Reads what an earlier process has left. Blocks on the disk: for the start."""
        self._restored = True
        if (sealing := self._taken_up()) is not None:
            self.folder.sweep(self.store.answers.bounds.keep_s)
            self._adopt(self._read(sealing, self.folder.names() or set(), drop_foreign=True))

    async def save(self) -> None:
        """Makes the files what the store is, and the store what others have made of the files."""
        self.store.trim()
        known = self._sealing
        if not self._restored or (sealing := self._taken_up()) is None:
            return
        if known is None:  # the vault came after the start
            names = await asyncio.to_thread(self.folder.names) or set()
            self._adopt(await asyncio.to_thread(self._read, sealing, names, drop_foreign=True))
        elif (stamp := self.folder.stamp()) != self._stamp:
            self._stamp = stamp if await self._look(sealing) else None
        if self.store.version != self._version:
            version, items = self.store.version, self.store.items()
            if await asyncio.to_thread(self._write, sealing, items):
                self._version = version

    # -- the vault's keys -----------------------------------------------------------------------------------------
    def _taken_up(self) -> Sealing | None:
        """The sealing with the vault's key of today. After another one everything is written anew."""
        keys = self.keys()
        if keys is None:
            return None
        self.store.salted(keys.id)
        if self._sealing is None or self._sealing.key != keys.key:
            self._sealing, self._version, self._stamp = Sealing(keys.key, self.random), None, None
        return self._sealing

    # -- what others did ------------------------------------------------------------------------------------------
    async def _look(self, sealing: Sealing) -> bool:
        """Takes up what has come, forgets what has gone. False where some of it cannot be opened: others may have
        another key of the vault, and have written everything anew with it."""
        names = await asyncio.to_thread(self.folder.names)
        if names is None:
            return False
        before = dict(self._files)
        new = names - {name for name, _ in before.values()}
        if new:  # first: after another key the same items stand under other names
            found = await asyncio.to_thread(self._read, sealing, new, drop_foreign=False)
            self._adopt(found)
            if len(found) < len(new):
                return False
        for key, file in before.items():
            if file.name not in names and self._files.get(key) is file:
                self._files.pop(key, None)
                self.store.removed_elsewhere(key, file.item)
        return True

    def _read(self, sealing: Sealing, names: Set[str], *, drop_foreign: bool) -> list[tuple[ItemKey, _File]]:
        """What is in these files, the oldest first."""
        found = self.folder.read(sorted(names), sealing, drop_foreign=drop_foreign)
        return sorted(((key, _File(name, item)) for name, key, item in found), key=lambda one: one[1].item.since)

    def _adopt(self, found: list[tuple[ItemKey, _File]]) -> None:
        for key, file in found:
            self._files[key] = file  # one that finds no room in the store is removed when that is written
            self.store.adopt(key, file.item)

    # -- what we did ----------------------------------------------------------------------------------------------
    def _write(self, sealing: Sealing, items: Mapping[ItemKey, Item]) -> bool:
        """Writes what is new, removes what is gone; False where not all of it could be done. Blocks on the disk."""
        try:
            with self._turn:
                self._bring_up_to_date(sealing, items)
        except OSError as e:
            if not self._complained:
                log.warning("what is kept for clients cannot be written to %s: %s", self.folder.path, e.strerror or e)
            self._complained = True
            return False
        self._complained = False
        return True

    def _bring_up_to_date(self, sealing: Sealing, items: Mapping[ItemKey, Item]) -> None:
        """Raises OSError."""
        for key, file in list(self._files.items()):
            if key not in items:
                self.folder.remove(file.name)
                del self._files[key]
        for key, item in items.items():
            self._write_one(sealing, key, item)

    def _write_one(self, sealing: Sealing, key: ItemKey, item: Item) -> None:
        """Raises OSError."""
        known = self._files.get(key)
        name = sealing.name(key) if known is None or known.item is not item or self._version is None else known.name
        if known is not None and known.item is item and known.name == name:
            return
        self.folder.write(name, sealing.seal(name, key, item))
        if known is not None and known.name != name:
            self.folder.remove(known.name)
        self._files[key] = _File(name, item)
