"""Processes forked from one that has imported what they run: the same programs, without a second of imports for each.

`start` takes a command as `subprocess.Popen` does. What a test says of the start itself (the command as it stands on
the disk, a terminal, Python's own options) needs `subprocess` instead.

The nursery is this module run by a worker, once; it takes a `SOCK_SEQPACKET` message for each process: a JSON object
and, as file descriptors, the process's standard output, its standard error, and where the nursery tells its end.
"""

import atexit
import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = {"mitmdump": "mitmproxy.tools.main:mitmdump", "mitmweb": "mitmproxy.tools.main:mitmweb"}
"""What stands in the virtual environment's folder of programs, and what it calls."""
MODULES: Final = {
    "addons.capturing": ("addons.capturing.run:main", "capture"),
    "addons.cli": ("addons.cli.main:main", "glassgate"),
    "tests.cli.faulty": ("tests.cli.faulty:tried", None),
}
"""What `python -m` runs, what that calls, and the name it gives itself."""
IMPORTED: Final = (
    "mitmproxy.tools.dump",
    "mitmproxy.tools.web.master",
    "addons.app.hooks",
    "addons.mitm.web_guard",
    "addons.cli.main",
    "addons.capturing.run",
)
MOST: Final = 1 << 18
"""Bytes of a message: a command line with its environment."""


class Forked:
    """A process of the nursery, with what the tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, ending: socket.socket, stdout: int | None, stderr: int | None) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ending = ending
        self.stdout, self.stderr = (None if fd is None else os.fdopen(fd, encoding="utf-8") for fd in (stdout, stderr))

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._ending], [], [], 0)[0]:
            self._read_the_end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._ending], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired([f"process {self.pid}"], timeout or 0)
            self._read_the_end()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it said on standard output and error, up to what a pipe holds. Raises subprocess.TimeoutExpired."""
        self.wait(timeout)
        said = ["", ""]
        for at, pipe in enumerate((self.stdout, self.stderr)):
            if pipe is not None:
                said[at] = pipe.read()
                pipe.close()
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read_the_end(self) -> None:
        told = self._ending.recv(16)
        assert told, "the nursery has ended"
        self.returncode = int(told)
        self._ending.close()


type Process = Forked | subprocess.Popen[str] | subprocess.Popen[bytes]


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdout: Any = None,
    stderr: Any = None,
    start_new_session: bool = False,
) -> Forked | subprocess.Popen[str]:
    """`stdout` and `stderr` are files or subprocess.PIPE, for `stderr` also subprocess.STDOUT; a pipe gives text."""
    wish = _wish(command)
    if wish is None or not _like_ours(env):
        return subprocess.Popen(
            command, env=env, cwd=cwd, stdout=stdout, stderr=stderr, start_new_session=start_new_session, text=True
        )
    ours: list[int | None] = [None, None]
    theirs: list[int] = []
    opened: list[int] = []
    for at, wanted in enumerate((stdout, stderr)):
        if wanted == subprocess.PIPE:
            ours[at], write = os.pipe()
            opened.append(write)
            theirs.append(write)
        elif wanted == subprocess.STDOUT:
            theirs.append(theirs[0])
        else:
            theirs.append(wanted.fileno() if wanted is not None else at + 1)
    ending, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    wish |= {"env": dict(env), "cwd": str(cwd or Path.cwd()), "session": start_new_session}
    with told:
        socket.send_fds(_nursery(), [json.dumps(wish).encode()], [*theirs, told.fileno()])
    for fd in opened:
        os.close(fd)
    pid = ending.recv(16)
    assert pid, "the nursery has ended"
    return Forked(int(pid), ending, *ours)


def _wish(command: Sequence[str]) -> dict[str, Any] | None:
    """What a command calls, if the nursery knows it, with the words it then finds in sys.argv."""
    program = Path(command[0])
    if sys.platform != "linux":
        return None
    if program.parent == Path(sys.executable).parent and program.name in TOOLS:
        return {"call": TOOLS[program.name], "name": None, "argv": list(command)}
    if list(command[:2]) == [sys.executable, "-m"] and command[2] in MODULES:
        call, name = MODULES[command[2]]
        return {"call": call, "name": name, "argv": list(command[2:])}
    return None


def _like_ours(env: Mapping[str, str]) -> bool:
    """Whether Python itself would start in the same way: it reads these before any program runs."""
    names = {name for name in (*env, *os.environ) if name.startswith(("PYTHON", "LC_", "LANG"))}
    return all(env.get(name) == os.environ.get(name) for name in names)


@cache
def _nursery() -> socket.socket:
    """The way to this worker's own, which ends with the worker."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.support.forked", str(theirs.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# -- in the nursery ---------------------------------------------------------------------------------------------------
def serve(requests: socket.socket) -> Callable[[], Any]:
    """Forks until the worker ends; what is given is what a forked process is to do, in that process."""
    awake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    living: dict[int, socket.socket] = {}
    sources: list[socket.socket | int] = [requests, awake]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if awake in ready:
            os.read(awake, 4096)
            _bury(living)
        if requests not in ready:
            continue
        data, fds, _, _ = socket.recv_fds(requests, MOST, 3)
        if not data:
            sys.exit()
        told = socket.socket(fileno=fds[2])
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (requests, told, *living.values()):
                one.close()
            os.close(awake)
            os.close(waker)
            return _prepared(json.loads(data), fds[0], fds[1])
        os.close(fds[0])
        os.close(fds[1])
        told.send(str(pid).encode())
        living[pid] = told


def _bury(living: dict[int, socket.socket]) -> None:
    """Tells the ends of those that have ended."""
    for pid in list(living):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with living.pop(pid) as told, contextlib.suppress(OSError):
                told.send(str(os.waitstatus_to_exitcode(status)).encode())


def _prepared(wish: dict[str, Any], stdout: int, stderr: int) -> Callable[[], Any]:
    if wish["session"]:
        os.setsid()
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = wish["argv"]
    module, _, name = wish["call"].partition(":")
    found = getattr(importlib.import_module(module), name)
    return found if wish["name"] is None else partial(found, prog_name=wish["name"])


if __name__ == "__main__":
    for imported in IMPORTED:
        importlib.import_module(imported)
    for listed in importlib.import_module("addons.cli.main").COMMANDS.values():
        importlib.import_module(listed.where.partition(":")[0])
    assert threading.active_count() == 1, "a thread would not come along into a forked process"
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1])))())
