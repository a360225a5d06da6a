"""Processes in a terminal of their own: a pseudo-terminal whose other end the test holds, and can take away."""

import contextlib
import os
import pty
import signal
import struct
import subprocess
import sys
import threading
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Self

from tests.support.processes import Gateway

_LEADER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes standard input the terminal of the new session, as a terminal's program does for its shell."""


class TerminalGateway(Gateway):
    """A gateway started in a terminal. `hang_up` closes the terminal as its window would be closed."""

    tool = "mitmdump"
    before: tuple[str, ...] = ()
    """What starts it, such as nohup."""
    screen = ""

    def command(self) -> list[str]:
        command = super().command()
        command[0] = str(Path(sys.executable).with_name(self.tool))
        if self.tool == "mitmproxy":
            command.remove("--quiet")
        return [*self.before, *command]

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        command = self.command()
        program = command[0] if os.path.isabs(command[0]) else "/usr/bin/env"
        arguments = command if program == command[0] else ["env", *command]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LEADER, program, *arguments[1:]],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self.environ() | {"TERM": "xterm", "LC_ALL": "C.UTF-8"},
            cwd=self.folder,
            start_new_session=True,
        )
        os.close(slave)
        self.log_file.touch()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self._wait_ready()
        except AssertionError:
            self.__exit__()
            raise
        return self

    @property
    def log(self) -> str:
        return self.screen

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._master, 65536):
                self.screen += data.decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        ioctl(self._master, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """The terminal goes: the kernel tells its session's leader, as it tells a shell."""
        os.close(self._master)

    def again(self) -> None:
        """The shell tells its jobs too."""
        assert self.process
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGHUP)
