"""Processes of the comparison: their start, and what they take of CPU and memory with all their children. On Linux."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_STARTS_IN_S: Final = 90.0


class Unavailable(Exception):
    """What is not to be had on this machine; the message says why."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def process(command: list[str], port: int, log: Path, **environ: str) -> Iterator[tuple[int, float]]:
    """A process that listens on the port: its id, and how long its start took in seconds. Raises Unavailable."""
    began = time.perf_counter()
    with log.open("wb") as out:
        started = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **environ}, cwd=log.parent, start_new_session=True
        )
    try:
        while not _listens(port):
            if started.poll() is not None or time.perf_counter() - began > _STARTS_IN_S:
                raise Unavailable(f"{command[0]} did not start: {log.read_text(errors='replace')[-400:]}")
            time.sleep(0.02)
        yield started.pid, time.perf_counter() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def family(pids: Sequence[int]) -> list[int]:
    """The processes and their children, theirs too."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], list(pids)
    while left:
        found.append(left[-1])
        left += children.get(left.pop(), [])
    return found


def cpu_s(pids: Sequence[int]) -> float:
    """Seconds of CPU that they have had so far."""
    ticks = [int(fields[11]) + int(fields[12]) for pid in family(pids) if (fields := _stat(pid))]
    return sum(ticks) / _TICKS


def memory_mb(pids: Sequence[int]) -> float:
    """What they hold now (resident; what they share counts in each)."""
    total = 0
    for pid in family(pids):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
    return total / 1024


def _stat(pid: int) -> Sequence[str]:
    """The fields of /proc/PID/stat behind the name; none of a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ()
