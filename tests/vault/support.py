"""What the tests of the vault share: a key, a session, predictable randomness, edits of a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from addons.vault.encoding import canonical
from addons.vault.keys import VaultKey

RAW_BYTES = bytes(range(32))
RAW = VaultKey(raw=RAW_BYTES)
SECRET: dict[str, Any] = {"token": "the-secret-token", "cookies": {"a": "b"}, "headers": {}, "api_key": None}
WORDS = "correct horse battery staple"


def noise() -> Callable[[int], bytes]:
    """A stand-in for os.urandom that repeats nothing and is the same at each run."""
    state = iter(range(1, 10**6))
    return lambda size: next(state).to_bytes(4, "big") * (size // 4) + bytes(size % 4)


def body_of(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(path.read_text())
    return body


def edited(path: Path, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file's bytes after `change` was done to its object; the seal stays as it was."""
    body = body_of(path)
    change(body)
    return canonical(body) + b"\n"
