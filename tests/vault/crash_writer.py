"""A process that kills itself in the middle of a write, at every step in turn. Run by test_durable.py.

python -m tests.vault.crash_writer FOLDER: for each call into the operating system that a write makes, a forked child
dies by SIGKILL before it, after it and (os.write) in the midst of it. Prints what was found afterwards, as JSON.
"""

import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from addons.vault.errors import VaultError
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET

STEPS: list[tuple[Any, str]] = [
    *[(os, name) for name in ("open", "write", "fsync", "replace", "unlink", "close", "fstat", "listdir", "lstat")],
    (fcntl, "flock"),
]


class Killer:
    """Counts the calls of a write and dies at the chosen one."""

    def __init__(self, at: int, when: str) -> None:
        self._left, self._when = at, when
        for module, name in STEPS:
            setattr(module, name, self._wrapped(name, getattr(module, name)))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left or (self._when == "half" and name != "write"):
                return real(*args, **more)
            if self._when == "half":
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            elif self._when == "after":
                real(*args, **more)
            os.kill(os.getpid(), signal.SIGKILL)

        return call


def died(vault: Vault, at: int, when: str) -> bool:
    child = os.fork()
    if child == 0:
        Killer(at, when)
        vault.put("zai", "main", {**SECRET, "token": "the new one"})
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def found(path: Path) -> str:
    """`old` or `new` when the file is whole, the next writer gets through and no temporary file is left."""
    try:
        vault = Vault.open(path, RAW)
        left = [name for name in os.listdir(path.parent) if name.endswith(".tmp")]
        record = vault.get("zai", "main")
        assert record is not None
        kind = {"the-secret-token": "old", "the new one": "new"}[record.material["token"]]
        vault.put("zai", "main", SECRET, expected_rev=record.rev)
    except VaultError as e:
        return repr(e)
    return f"{kind}, left: {left}" if left else kind


def main(folder: Path) -> None:
    vault = Vault.create(folder / "vault.json", RAW)
    vault.put("zai", "main", SECRET)
    results = {when: [] for when in ("before", "half", "after")}  # type: dict[str, list[str]]
    for when, seen in results.items():
        for at in range(1, 200):
            if died(vault, at, when):
                seen.append(found(vault.path))
            elif when != "half":
                break
            else:
                found(vault.path)
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
