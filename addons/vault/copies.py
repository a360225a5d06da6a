"""Copies of a vault that lie beside it. They open with the keys of their time, whatever has been changed since."""

import json
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from addons.vault.encoding import SIZE_LIMIT_BYTES

_BACKUP: Final = re.compile(r"\.bak[.-]?\d*$")


def find_copies(path: Path, vault_id: str) -> list[Path]:
    """Files in the vault's folder that hold the vault of this id (as it is spelled in the file), but for itself."""
    with suppress(OSError):
        return [
            path.with_name(name)
            for name in sorted(os.listdir(path.parent))
            if name != path.name and _vault_id(path.with_name(name)) == vault_id
        ]
    return []


def remove_backups(copies: list[Path]) -> tuple[list[Path], list[Path]]:
    """Removes those named as backups (`*.bak`); gives what was removed, and what is left."""
    removed = []
    for path in copies:
        if _BACKUP.search(path.name):
            with suppress(OSError):
                path.unlink()
                removed.append(path)
    return removed, [path for path in copies if path not in removed]


def _vault_id(path: Path) -> str | None:
    """What the file says, unverified; None when it is no vault. Its mode does not matter: an open copy is the worse."""
    with suppress(OSError, ValueError, RecursionError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > SIZE_LIMIT_BYTES:
                return None
            value = json.loads(file.read(SIZE_LIMIT_BYTES))
        if isinstance(value, dict) and isinstance(value.get("vault_id"), str):
            return str(value["vault_id"])
    return None
