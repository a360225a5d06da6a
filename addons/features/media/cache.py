"""The files that sites have already: uploaded before, by account and content. In memory, bounded."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from providers.contract.chat import AttachedPart

MOST: Final = 2000
"""Files that are remembered; a descriptor has some 600 bytes."""


class FileKey(NamedTuple):
    """Whose file it is, and which."""

    site: str
    """The address of the provider."""
    provider: str
    account: str
    person: str
    """Whose session it is, where that is known: an account may be given another."""
    digest: str
    """SHA-256 of its bytes, in hex."""
    name: str


@dataclass(slots=True)
class UploadedFiles:
    """What was uploaded. `clock` is monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    most: int = MOST
    under_way: set[FileKey] = field(default_factory=set)
    """Uploaded by a request just now: others of the account wait for it."""
    _found: OrderedDict[FileKey, tuple[AttachedPart, float]] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._found)

    def find(self, key: FileKey) -> AttachedPart | None:
        """The file, where the site still has it."""
        part, until = self._found.get(key, (None, 0.0))
        if part is None or until <= self.clock():
            self._found.pop(key, None)
            return None
        self._found.move_to_end(key)
        return part

    def forget(self, key: FileKey) -> None:
        """The site may not have it any more."""
        self._found.pop(key, None)

    def keep(self, key: FileKey, part: AttachedPart, valid_s: float) -> None:
        self._found[key] = part, self.clock() + valid_s
        self._found.move_to_end(key)
        while len(self._found) > self.most:
            self._found.popitem(last=False)
