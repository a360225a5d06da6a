"""Counts what the adapters met and did not know: this is how a changed protocol is noticed before users are hurt."""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.vault.errors import VaultError
from addons.vault.permissions import make_folder, read_private

log = logging.getLogger("glassgate")

FILE_NAME: Final = "drift.json"
KINDS_LIMIT: Final = 200
"""Kinds remembered for one provider; a site that invents names must not fill the disk."""
_LIMIT_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class Strange:
    """One unknown kind: how often, when last (Unix seconds), and where it can be looked at."""

    count: int = 0
    last: int = 0
    example: str = ""
    """A request id, or the file of a recording."""


@dataclass(slots=True)
class Drift:
    """Unknown kinds by provider type, kept in a small file beside the vault."""

    path: Path
    found: dict[str, dict[str, Strange]] = field(default_factory=dict)
    _dirty: bool = False

    def note(self, provider: str, unknown: Mapping[str, int], at: int, example: str) -> None:
        """Counts what one answer had; the log has a line for each kind that is new."""
        known = self.found.setdefault(provider, {})
        for kind, count in unknown.items():
            if count <= 0 or (kind not in known and len(known) >= KINDS_LIMIT):
                continue
            if kind not in known:
                log.warning("%s sent something this adapter does not know: %s (%s)", provider, kind, example)
            strange = known.setdefault(kind, Strange())
            strange.count += count
            strange.last, strange.example = at, example
            self._dirty = True

    def save(self) -> None:
        """Writes the file when something has changed. Blocks on the disk; a failure is logged and forgotten."""
        if not self._dirty:
            return
        self._dirty = False
        try:
            make_folder(self.path.parent)
            temporary = self.path.with_name(f".{self.path.name}.tmp")
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self.plain(), file, ensure_ascii=False)
            temporary.replace(self.path)
        except (OSError, VaultError) as e:
            log.warning("what was unknown cannot be written to %s: %s", self.path, e)

    def plain(self) -> dict[str, dict[str, dict[str, object]]]:
        return {
            provider: {
                kind: {"count": strange.count, "last": strange.last, "example": strange.example}
                for kind, strange in kinds.items()
            }
            for provider, kinds in self.found.items()
        }

    @classmethod
    def load(cls, path: Path, clean: Callable[[str], str] = str) -> "Drift":
        """What was counted before, cleaned; nothing when there is no such file or it cannot be read."""
        drift = cls(path)
        try:
            stored = json.loads(read_private(path, _LIMIT_BYTES))
        except (VaultError, ValueError):
            return drift
        for provider, kinds in stored.items() if isinstance(stored, dict) else ():
            for kind, entry in kinds.items() if isinstance(kinds, dict) else ():
                if isinstance(entry, dict) and isinstance(entry.get("count"), int):
                    strange = Strange(entry["count"], int(entry.get("last", 0)), str(entry.get("example", "")))
                    drift.found.setdefault(str(provider), {})[clean(str(kind))] = strange
        return drift
