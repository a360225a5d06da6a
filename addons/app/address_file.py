"""Where a running gateway listens, for commands of the same machine: a small private file beside the vault.

    gateway.json    {"config": "/…/config.yaml", "url": "http://127.0.0.1:8080"}

config.yaml may name another port by now, or the gateway was started with `--port`. A file that a killed process has
left says an address where nobody answers; whoever reads it asks the configured one then.
"""

import contextlib
import json
import logging
from pathlib import Path
from typing import Final

from addons.vault.small_files import read_small, write_small

log = logging.getLogger("glassgate")

FILE_NAME: Final = "gateway.json"
_LIMIT_BYTES: Final = 16 * 1024


def leave(folder: Path, config: Path, url: str) -> None:
    """The gateway's side, at its start. A disk that takes nothing costs no more than this file."""
    try:
        write_small(folder / FILE_NAME, json.dumps({"config": str(config), "url": url}).encode())
    except OSError as e:
        log.info("%s cannot be written: %s", folder / FILE_NAME, e.strerror or e)


def forget(folder: Path, url: str) -> None:
    """At its end: unless another gateway has told its own since."""
    if _read(folder).get("url") == url:
        with contextlib.suppress(OSError):
            (folder / FILE_NAME).unlink()


def find(folder: Path, config: Path) -> str | None:
    """Where the gateway that serves this configuration said it listens."""
    found = _read(folder)
    return found["url"] if found.get("config") == str(config) and "url" in found else None


def found_in(folder: Path) -> str | None:
    """Where a gateway with a vault in this folder said it listens, whatever its configuration."""
    return _read(folder).get("url")


def _read(folder: Path) -> dict[str, str]:
    try:
        value = json.loads(read_small(folder / FILE_NAME, _LIMIT_BYTES) or b"")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {name: word for name, word in value.items() if isinstance(word, str)}
