"""Reading a new key for a command: from a terminal, stdin or a file; never the command line, which others can read."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from addons.vault import prompt as terminal
from addons.vault.errors import VaultLocked
from addons.vault.keys import VaultKey, read_key_file
from addons.vault.secret import Secret

_LINE_LIMIT_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and the text that spells it."""

    key: VaultKey
    text: Secret[str]


def read_new_key(from_stdin: bool, file: Path | None, option: str) -> NewKey:
    """The key; `option` is the prefix of the two options that name its source. Raises VaultError, UsageError."""
    if from_stdin and file is not None:
        raise click.UsageError(f"give either {option}-stdin or {option}-file")
    if from_stdin:
        text = read_line()
    elif file is not None:
        text = read_key_file(file)
    else:
        ask = terminal.prompt("New vault passphrase", new=True)
        if ask is None:
            raise VaultLocked(f"there is no terminal to ask for the new key; give {option}-stdin or {option}-file")
        text = ask()
    return NewKey(VaultKey.from_text(text), Secret(text.strip()))


def read_line() -> str:
    """One line of stdin. Raises VaultLocked."""
    return _decoded(sys.stdin.buffer.readline(_LINE_LIMIT_BYTES))


def read_lines() -> list[str]:
    """All lines of stdin that are not empty. Raises VaultLocked."""
    return [line for line in _decoded(sys.stdin.buffer.read(_LINE_LIMIT_BYTES)).splitlines() if line]


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise VaultLocked("what stands on stdin is not UTF-8 text") from None
