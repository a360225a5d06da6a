"""Permissions of the files that hold clients' keys or people's secrets."""

import os
import shlex
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The permissions of one file as they were when it was read."""

    path: Path
    mode: int
    """Permission bits."""
    only_keys: bool = False
    """It is there for nothing else (.env, a file of keys)."""
    holds_keys: bool = False
    reachable: bool = True
    """Others can pass through all folders above it."""

    @classmethod
    def of(cls, path: Path, found: os.stat_result, *, only_keys: bool = False, holds_keys: bool = False) -> Self:
        return cls(path, stat.S_IMODE(found.st_mode), only_keys, only_keys or holds_keys, is_reachable(path))

    @property
    def changeable(self) -> bool:
        """Whether others could write to it, by its mode."""
        return bool(self.mode & 0o022)

    @property
    def readable(self) -> bool:
        """Whether others could read keys in it, by its mode."""
        return self.holds_keys and bool(self.mode & 0o044)

    @property
    def open_words(self) -> str | None:
        """The sentence about what is open about the file and what to do, by its mode alone; None when nothing is."""
        quoted = shlex.quote(str(self.path))
        if self.holds_keys and (self.readable or self.changeable):
            verbs = " and ".join(["read"] * self.readable + ["changed"] * self.changeable)
            return (
                f"{self.path} holds keys and can be {verbs} by others (mode {self.mode:04o}); run: chmod 600 {quoted}"
            )
        if self.changeable:
            return f"{self.path} can be changed by others (mode {self.mode:04o}); run: chmod go-w {quoted}"
        return None

    @property
    def gives_keys_away(self) -> bool:
        """Whether it is open enough that keys from it protect nothing.

        The folder above config.yaml may be what keeps others from it: editors make such a file as they make any. What
        is there for keys alone is kept private wherever it lies; it gets copied and moved.
        """
        return self.changeable or (self.readable and (self.only_keys or self.reachable))


def is_reachable(path: Path, look: Callable[[Path], os.stat_result] = os.stat) -> bool:
    """Whether users that are neither the owner nor of the group can pass through all folders above the file."""
    try:
        return all(look(folder).st_mode & stat.S_IXOTH for folder in path.absolute().parents)
    except OSError:
        return True
