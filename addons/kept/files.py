"""The folder with the files of kept items, one each. Blocks on the disk; everything else is items.py's.

Names are given by sealing.py, no client's id is ever one. A file that cannot be read is put aside under another name,
and removed when it is as old as items get.
"""

import contextlib
import logging
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from addons.kept.sealing import DamagedItem, ForeignItem, Sealing
from addons.kept.shelf import Item, ItemKey
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.permissions import check_folder, make_folder, read_private
from addons.vault.replacing import replace_file
from addons.vault.small_files import LEFT_OVER_S, SmallFileProblem

log = logging.getLogger("glassgate")

FOLDER_NAME: Final = "kept"
FILE_LIMIT_BYTES: Final = 512 * 1024 * 1024
_NAME_LENGTH: Final = 32
_HEX: Final = frozenset("0123456789abcdef")
_ASIDE: Final = ".damaged"


type Found = tuple[str, ItemKey, Item]
"""A file's name, and what it holds."""


@dataclass(frozen=True, slots=True)
class FolderCount:
    """What lies in a folder of kept items: whole files, their bytes, files put aside."""

    files: int
    size: int
    aside: int


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """The files. `file_bytes` is the most that one is read of."""

    path: Path
    file_bytes: int = FILE_LIMIT_BYTES

    def names(self) -> set[str] | None:
        """The names of the files; None for a folder that is open to others or cannot be looked at."""
        try:
            check_folder(self.path)
            return {name for name in os.listdir(self.path) if _is_name(name)}
        except (VaultMissing, FileNotFoundError):
            return set()
        except (VaultError, OSError):
            return None

    def stamp(self) -> object:
        """Tells one state of the folder from another: files that came or went."""
        try:
            found = os.lstat(self.path)
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns)

    def read(
        self, names: Iterable[str], sealing: Sealing, *, drop_foreign: bool
    ) -> Iterator[tuple[str, ItemKey, Item]]:
        """What these files hold, each under its name. Damaged ones are put aside; foreign ones removed, or left.

        Nobody can open a foreign one any more; a process that has not heard yet of another key must not remove it.
        """
        damaged = foreign = 0
        for name in names:
            file = self.path / name
            try:
                data = read_private(file, self.file_bytes)
                key, item = sealing.open(name, data)
                if sealing.name(key) != name:
                    raise DamagedItem
            except ForeignItem:
                foreign += 1
                if drop_foreign:
                    self.remove(name)
            except DamagedItem:
                damaged += 1
                self._put_aside(file)
            except VaultError:
                continue  # gone meanwhile, or not ours to read: doctor looks at the folder
            else:
                yield name, key, item
        if damaged:
            log.warning("%d damaged files in %s were put aside; what they kept is lost", damaged, self.path)
        if foreign and drop_foreign:
            log.warning("%d files in %s were of another vault key, and removed", foreign, self.path)

    def write(self, name: str, data: bytes) -> None:
        """Raises OSError."""
        try:
            make_folder(self.path)
        except VaultError as e:
            raise SmallFileProblem(0, str(e)) from e
        replace_file(self.path / name, data, sync=False)  # a power cut may take the newest: it is damaged then

    def remove(self, name: str) -> None:
        """Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            (self.path / name).unlink()

    def sweep(self, keep_s: float) -> None:
        """Removes what writers that were killed have left, and old files that were put aside."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self.path):
                old_s = keep_s if name.endswith(_ASIDE) else LEFT_OVER_S if name.endswith(".tmp") else None
                file = self.path / name
                if old_s is not None and time.time() - file.lstat().st_mtime > old_s:
                    file.unlink()

    def count(self) -> FolderCount:
        """Raises VaultError where the folder is open to others, OSError."""
        if not os.path.lexists(self.path):
            return FolderCount(0, 0, 0)
        check_folder(self.path)
        files = size = aside = 0
        with os.scandir(self.path) as found:
            for entry in found:
                if _is_name(entry.name):
                    files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
                aside += entry.name.endswith(_ASIDE)
        return FolderCount(files, size, aside)

    @staticmethod
    def _put_aside(file: Path) -> None:
        with contextlib.suppress(OSError):
            file.rename(file.with_name(file.name + _ASIDE))


def _is_name(name: str) -> bool:
    return len(name) == _NAME_LENGTH and _HEX.issuperset(name)
