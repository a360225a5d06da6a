"""A program as a child: exit status, signals, stops, its temporary folder; with real processes."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from unittest.mock import patch

import pytest

from addons.cli.base import Problem
from addons.cli.running.launch import Signals, run, temporary_folder, write_files
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]


def test_files_are_private_and_go_with_their_folder() -> None:
    with temporary_folder() as folder:
        write_files(folder, {"a.json": "{}", "data/b.json": "ü"})
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.json")} == {0o600}
        assert (folder / "data" / "b.json").read_text(encoding="utf-8") == "ü"
    assert not folder.exists()


def test_a_folder_goes_whatever_is_raised() -> None:
    seen: list[Path] = []

    def interrupted() -> None:
        with temporary_folder() as folder:
            seen.append(folder)
            write_files(folder, {"a": "x"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not seen[0].exists()


@pytest.mark.processes
@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_exit_status_is_the_programs(script: str, status: int) -> None:
    assert run(["/bin/sh", "-c", script], {}, 0o022, Signals()) == status


@pytest.mark.processes
def test_it_has_the_persons_umask_and_the_environment_it_is_given(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f'umask > "{out}"; echo "$TOLD" >> "{out}"'
    assert run(["/bin/sh", "-c", script], {"TOLD": "this"}, 0o027, Signals()) == 0
    assert out.read_text().split() == ["0027", "this"]


@pytest.mark.processes
def test_what_cannot_be_started_is_said() -> None:
    with pytest.raises(Problem, match="cannot be started: No such file"):
        run(["/nowhere/at/all"], {}, 0o022, Signals())


PARENT = """
import sys
from addons.cli.running.launch import Ended, Signals, run, temporary_folder
signals = Signals()
try:
    with signals.handled(), temporary_folder() as folder:
        print(folder, flush=True)
        if "early" in sys.argv:
            import time
            print("ready", flush=True)
            time.sleep(600)
        status = run([sys.executable, "-c", sys.argv[1]], {}, 0o022, signals)
except Ended as e:
    status = 128 + e.number
sys.exit(status)
"""
CHILD = """
import os, signal, time
def heard(number, frame):
    os.write(1, b"heard %d\\n" % number)
    os._exit(number)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, heard)
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


@contextmanager
def parent(child: str, *words: str) -> "Iterator[tuple[subprocess.Popen[str], IO[str], Path]]":
    """It runs in a session of its own: no terminal has sent the child anything."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, child, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        assert process.stdout.readline() == "ready\n"
        assert folder.is_dir()
        yield process, process.stdout, folder


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_go_to_the_program_and_its_files_go_with_it(number: signal.Signals) -> None:
    with parent(CHILD) as (process, out, folder):
        process.send_signal(number)
        assert out.read() == f"heard {int(number)}\n"
        assert process.wait(60) == number
        assert not folder.exists()


@pytest.mark.processes
def test_a_signal_before_there_is_a_program_ends_it_and_leaves_nothing() -> None:
    with parent(CHILD, "early") as (process, _, folder):
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
        assert not folder.exists()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_when_the_program_stops_itself_so_do_we_and_it_goes_on_with_us() -> None:
    """As Ctrl-Z does: the shell gets its terminal back, and `fg` wakes both."""
    child = (
        "import os, signal\nprint('ready', flush=True)\nos.kill(os.getpid(), signal.SIGSTOP)\nprint('on', flush=True)"
    )
    with parent(child) as (process, out, folder):
        until(lambda: state_of(process.pid) == "T")
        os.kill(process.pid, signal.SIGCONT)
        assert out.read() == "on\n"
        assert process.wait(60) == 0
        assert not folder.exists()


IN_A_TERMINAL = """
import signal, sys
heard = []
signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
print("ready", sys.stdin.isatty(), flush=True)
assert sys.stdin.readline() == "said\\n"
sys.exit(10 + len(heard))
"""
LEADER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.mark.processes
def test_the_program_has_the_terminal_and_hears_ctrl_c() -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-c", LEADER, "-c", PARENT, IN_A_TERMINAL]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    ) as process:
        os.close(slave)
        screen = b""
        while b"ready True" not in screen:
            screen += os.read(master, 4096)
        os.write(master, b"\x03")
        while b"^C" not in screen:  # the terminal has taken it for what it is
            screen += os.read(master, 4096)
        os.write(master, b"said\n")
        status = process.wait(60)
        os.close(master)
    assert status == 11, screen


@pytest.mark.parametrize(
    ("number", "foreground", "passed_on"),
    [
        (signal.SIGINT, True, False),
        (signal.SIGINT, False, True),
        (signal.SIGWINCH, True, False),
        (signal.SIGTERM, True, True),
        (signal.SIGHUP, True, True),
        (signal.SIGTSTP, False, False),
    ],
)
def test_what_the_terminal_has_told_the_program_itself_is_not_passed_on(
    number: signal.Signals, foreground: bool, passed_on: bool
) -> None:
    """An agent takes two of Ctrl-C for an order to end."""
    told: list[tuple[int, int]] = []
    signals = Signals()
    signals.child = 12345
    with (
        patch("addons.cli.running.launch._in_foreground", lambda: foreground),
        patch("os.kill", lambda pid, number: told.append((pid, number))),
    ):
        signals._heard(number, None)
    assert told == ([(12345, number)] if passed_on else [])
