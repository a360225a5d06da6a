"""A key of config.yaml as people are told of it: file, line and path, and no secret that stands there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from addons.config.secret_looks import looks_secret
from addons.config.yaml_reading import KeyPath

_NAMES_OF_SECRETS: Final = ("token", "key", "secret", "password", "cookie", "auth")


def placed(file: Path, lines: Mapping[KeyPath, int], path: KeyPath, words: str) -> str:
    """`words` with file, line and key before them. What looks like a secret is no key that is told."""
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    where = f"{file}:{line}" if line else str(file)
    key = dotted(path)
    return f"{where}: {key}: {words}" if key else f"{where}: {words}"


def dotted(path: KeyPath) -> str:
    """The path as text: `("auth", "tokens", 0)` as `auth.tokens[0]`."""
    text = ""
    for part in path:
        told = part if isinstance(part, int) else _displayed(part)
        text += f"[{told}]" if isinstance(told, int) else f".{told}" if text else told
    return text


def _displayed(key: str) -> str:
    """A key as people are told of it. `password:"…"` without a space behind the colon is all key: its value is not."""
    if looks_secret(key):
        return "…"
    name = key[: min((at for mark in ":=\"'" if (at := key.find(mark)) >= 0), default=len(key))]
    return f"{name}…" if name != key and any(word in name.lower() for word in _NAMES_OF_SECRETS) else key
