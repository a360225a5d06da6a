import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.vault import store
from addons.vault.errors import VaultBusy, VaultError
from addons.vault.lock import locked
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET

HOLD = """
import fcntl, os, sys
lock = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(vault: Vault) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that took the lock and hangs."""
    command = [sys.executable, "-c", HOLD, str(vault.path) + ".lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.mark.processes
@pytest.mark.usefixtures("holder")
def test_a_writer_that_hangs_is_named_after_the_wait(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_WAIT_S", 0.02)
    before = vault.path.read_bytes()
    with pytest.raises(VaultBusy, match=r"vault\.json\.lock"):
        vault.put("zai", "main", SECRET)
    assert vault.path.read_bytes() == before
    assert Vault.open(vault.path, RAW).get("zai", "main") is not None  # reading needs no lock


@pytest.mark.processes
def test_a_writer_that_dies_frees_the_lock(vault: Vault, holder: subprocess.Popen[bytes]) -> None:
    waiting = threading.Timer(0.02, holder.send_signal, (signal.SIGKILL,))
    waiting.start()
    vault.put("zai", "main", SECRET)
    waiting.join()
    assert holder.wait(60) == -signal.SIGKILL


def test_the_wait_is_measured_by_the_clock(tmp_path: Path) -> None:
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    path = tmp_path / "lock"
    with locked(path, 0), pytest.raises(VaultBusy, match="for 5 s"), locked(path, 5, clock=lambda: now[0], sleep=sleep):
        pytest.fail("two holders")
    assert 105 <= now[0] < 105.1


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(50):
            with locked(tmp_path / "lock", 10):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 200
    assert set(most) == {1}


def test_the_lock_file_is_made_once_and_stays(vault: Vault) -> None:
    lock = vault.path.with_name("vault.json.lock")
    before = lock.stat().st_ino
    vault.put("zai", "main", SECRET)
    assert (lock.stat().st_ino, lock.stat().st_size) == (before, 0)


def test_a_lock_on_a_file_removed_meanwhile_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = tmp_path / "lock", fcntl.flock
    removed: list[int] = []

    def flock(descriptor: int, how: int) -> None:
        real(descriptor, how)
        if not removed:
            removed.append(os.fstat(descriptor).st_ino)
            path.unlink()

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(path, 1):
        assert path.exists()
    assert removed


def test_the_lock_is_free_after_an_error_inside(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError), locked(tmp_path / "lock", 0):
            raise RuntimeError


def test_a_disk_without_locks_is_named(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(VaultError, match="local disk"):
        vault.put("zai", "main", SECRET)
