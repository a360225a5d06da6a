"""A program of others as a child on the same terminal: signals go through, it can be stopped and go on, and its exit
status is ours. Its temporary files are gone when it is."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from addons.cli.base import Problem

_PASSED_ON: Final = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
_OF_THE_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH)
"""What a terminal sends to all processes before it: the child has had it."""
_ENDING: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal has come that ends this process, before there was a child that it is for."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Signals:
    """Passes signals on to the child once there is one; before, one that ends raises Ended."""

    def __init__(self) -> None:
        self.child: int | None = None

    @contextmanager
    def handled(self) -> Iterator[None]:
        before = {number: signal.getsignal(number) for number in (*_PASSED_ON, signal.SIGTSTP)}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # `nohup`: the child is to be left alone too
                signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTSTP:  # the child decides whether it stops; we do when it has
            return
        if self.child is None:
            if number in _ENDING:
                raise Ended(number)
            return
        if number in _OF_THE_TERMINAL and _in_foreground():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child, number)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this user alone, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="glassgate-run-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Raises OSError."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(text)


def run(command: Sequence[str], environ: Mapping[str, str], umask: int, signals: Signals) -> int:
    """Runs the command until it ends; gives its exit status, 128 and the number for one that a signal ended.

    Raises Problem where it cannot be started.
    """
    try:
        child = subprocess.Popen(list(command), env=dict(environ), umask=umask)  # noqa: S603
    except OSError as e:
        raise Problem(f"{command[0]} cannot be started: {e.strerror or e}") from None
    signals.child = child.pid
    try:
        return _waited_for(child.pid)
    finally:
        signals.child = None
        child.returncode = 0  # it was waited for here: Popen would look for it once more


def _waited_for(child: int) -> int:
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.kill(os.getpid(), signal.SIGSTOP)  # the shell gets its terminal back
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)
            continue
        return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _in_foreground() -> bool:
    """Whether a terminal sends its signals to this process and its child."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
