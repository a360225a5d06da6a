"""Runs commands in processes of their own, each with one fault at one call into the operating system.

python -m tests.cli.faulty FILE: a JSON object in the file, {"arguments": […], "given": text, "folder": path, "fault":
name, "steps": [names of calls]}; `folder` has config.yaml and the vault as every process finds them. The fault strikes
before the first such call, then before the second … until a command gets through. What each left replaces the file's
text, as JSON.
"""

import errno
import fcntl
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from addons.cli.main import main

EVERY = ["open", "write", "fsync", "replace", "unlink", "close", "fstat", "listdir", "lstat", "pwrite", "flock"]
MODULES = {"flock": fcntl}


def strike(fault: str) -> None:
    if fault.startswith("SIG"):
        signal.raise_signal(getattr(signal, fault))
    else:
        number = getattr(errno, fault)
        raise OSError(number, os.strerror(number))


def arm(at: int, fault: str, steps: list[str]) -> list[int]:
    """Wraps the calls; gives a list that holds how many are left until the fault."""
    left = [at]

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                strike(fault)
            return real(*args, **more)

        return call

    for name in steps:
        module = MODULES.get(name, os)
        setattr(module, name, wrapped(getattr(module, name)))
    return left


def child(case: dict[str, Any], at: int, folder: Path) -> None:
    with open(folder / "stderr", "wb") as err:
        os.dup2(err.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdin = io.TextIOWrapper(io.BytesIO(case["given"].encode()))
    left = arm(at, case["fault"], case["steps"])
    status = 0
    try:
        main(["--config", str(folder / "config.yaml"), *case["arguments"]])
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    sys.stderr.flush()
    os._exit(status if left[0] <= 0 else 100 + status)


def tries(case: dict[str, Any]) -> list[dict[str, Any]]:
    pristine = Path(case["folder"])
    found: list[dict[str, Any]] = []
    for at in range(1, 500):
        folder = pristine.with_name(f"{pristine.name}-{at}")
        shutil.copytree(pristine, folder)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        pid = os.fork()
        if pid == 0:
            child(case, at, folder)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status >= 100:
            return found
        found.append({"folder": str(folder), "status": status, "stderr": (folder / "stderr").read_text()})
    raise AssertionError("the command never got through")


def tried() -> None:
    file = Path(sys.argv[1])
    file.write_text(json.dumps(tries(json.loads(file.read_text(encoding="utf-8")))), encoding="utf-8")


if __name__ == "__main__":
    tried()
