"""The drift count: kinds the adapters met and did not know. A changed protocol is noticed before users are hurt.

Kinds are words of a site, and the file is plain: both are cleaned and bounded before they are kept.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from addons.config.names import is_name
from addons.errors import clean
from addons.vault.small_files import read_small, write_small

log = logging.getLogger("glassgate")

FILE_NAME: Final = "drift.json"
KINDS_LIMIT: Final = 200
"""Kinds remembered for one provider; a site that invents names must not fill the disk."""
PROVIDERS_LIMIT: Final = 50
KIND_CHARS: Final = 100
"""Characters of a kind or an example."""
_COUNT_LIMIT: Final = 10**12
_LATEST_S: Final = 10**11


@dataclass(slots=True)
class UnknownKind:
    """One unknown kind: how often, when last (Unix seconds), and an example."""

    count: int = 0
    last: int = 0
    example: str = ""
    """A request id, or the file of a recording."""


@dataclass(slots=True)
class Drift:
    """Unknown kinds by provider type, kept in a small file beside the vault."""

    path: Path
    found: dict[str, dict[str, UnknownKind]] = field(default_factory=dict)
    _dirty: bool = False
    _filed: bool = False
    """There was a file with what is counted: when it goes, somebody has cleared it."""

    def count(self, provider: str, unknown: Mapping[str, int], at: int, example: str) -> None:
        """Counts what one answer had; the log has a line for each kind that is new."""
        known = self.found.setdefault(provider, {})
        example = clean(example, KIND_CHARS)
        for raw, count in unknown.items():
            kind = clean(raw, KIND_CHARS)
            if count <= 0 or (kind not in known and len(known) >= KINDS_LIMIT):
                continue
            if kind not in known:
                log.warning("%s sent something this adapter does not know: %s (%s)", provider, kind, example)
            unknown_kind = known.setdefault(kind, UnknownKind())
            unknown_kind.count = min(unknown_kind.count + count, _COUNT_LIMIT)
            unknown_kind.last, unknown_kind.example = at, example
            self._dirty = True

    def apply_clearing(self) -> None:
        """Forgets the counts when `glassgate drift --clear` has removed the file."""
        if self._filed and not os.path.lexists(self.path):
            self.found.clear()
            self._dirty = self._filed = False

    def unsaved(self) -> bytes | None:
        """The bytes the file should hold; None when it holds them."""
        if not self._dirty:
            return None
        self._dirty = False
        return json.dumps(self.plain()).encode()

    def write(self, data: bytes | None) -> None:
        """Writes what `unsaved` gave. Blocks on the disk, may be called in a thread; a failure is logged, no more."""
        if data is None:
            return
        try:
            write_small(self.path, data)
            self._filed = True
        except OSError as e:
            log.warning("what was unknown cannot be written to %s: %s", self.path, e.strerror or e)

    def save(self) -> None:
        """Writes the file when something has changed."""
        self.write(self.unsaved())

    def plain(self) -> dict[str, dict[str, dict[str, object]]]:
        return {
            provider: {
                kind: {"count": unknown_kind.count, "last": unknown_kind.last, "example": unknown_kind.example}
                for kind, unknown_kind in kinds.items()
            }
            for provider, kinds in self.found.items()
        }

    @classmethod
    def load(cls, path: Path, words: Callable[[str], str] = str) -> "Drift":
        """The counts of the file, cleaned; none when there is no such file or it cannot be read."""
        drift = cls(path)
        try:
            stored = json.loads(read_small(path) or b"{}")
        except (ValueError, RecursionError):
            return drift
        drift._filed = os.path.lexists(path)
        for provider, kinds in _items(stored, PROVIDERS_LIMIT):
            if not is_name(provider):
                continue
            for kind, entry in _items(kinds, KINDS_LIMIT):
                if (unknown_kind := _unknown_kind(entry)) is not None:
                    unknown_kind.example = words(unknown_kind.example)
                    drift.found.setdefault(provider, {})[words(clean(kind, KIND_CHARS))] = unknown_kind
        return drift


def _items(value: Any, most: int) -> list[tuple[str, Any]]:
    return list(value.items())[:most] if isinstance(value, dict) else []


def _unknown_kind(entry: Any) -> UnknownKind | None:
    """An entry of the file within bounds; None when it is none."""
    if not isinstance(entry, dict):
        return None
    count, last, example = entry.get("count"), entry.get("last", 0), entry.get("example", "")
    if type(count) is not int or type(last) is not int or not isinstance(example, str):
        return None
    if not 0 < count <= _COUNT_LIMIT or not 0 <= last <= _LATEST_S:
        return None
    return UnknownKind(count, last, clean(example, KIND_CHARS))
