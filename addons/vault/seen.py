"""What was seen of a vault's file: when it was last good, or why it is not to be read."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from addons.vault.format import Opened, Record
from addons.vault.own_secrets import OWN

type Stamp = tuple[int, int, int, int, int]
type Id = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the file held when it was last good. One object, so that threads see both or neither."""

    stamp: Stamp | None
    records: Mapping[Id, Record]
    """The sessions."""
    derive: Callable[[str], bytes] = lambda purpose: b""
    opened: Opened | None = None

    def own(self, name: str) -> Record | None:
        """A record of the gateway's own (addons/vault/own_secrets.py)."""
        found = self.opened.records.values() if self.opened is not None else ()
        return next((one for one in found if (one.provider, one.account) == (OWN, name)), None)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is not to be read again until it changes, or until an older copy is accepted (`remembered`)."""

    stamp: Stamp | None
    """None: there is no file."""
    vault_id: bytes | None = None
    remembered: tuple[int, ...] | None = None


def stamp_of(found: os.stat_result) -> Stamp:
    """Tells one state of a file from another. Nobody can set ctime back; it also moves when a mode is put right."""
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
