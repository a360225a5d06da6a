"""Power cuts, full disks and killed writers: the old file or the new one, whole."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addons.vault.errors import VaultError
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET, body_of

ROOT = Path(__file__).parents[2]


@pytest.mark.processes
def test_a_writer_killed_at_any_step_leaves_the_old_file_or_the_new(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.vault.crash_writer", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    results = json.loads(done.stdout)
    for when in ("before", "after"):
        seen = results[when]
        assert len(seen) > 15, "every call of a write was a step"
        assert set(seen) == {"old", "new"}, seen
        assert seen == sorted(seen, reverse=True), "old up to one step, new from then on"
    assert results["half"] == ["old"]


def failing(name: str, number: int, real: Callable[..., Any], nth: int = 1) -> Callable[..., Any]:
    left = [nth]

    def call(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(number, os.strerror(number))
        return real(*args, **more)

    return call


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS], ids=errno.errorcode.get)
@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_rest(
    vault: Vault, step: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = vault.path.read_bytes()
    durable = Vault.open(vault.path, RAW)
    real = getattr(os, step)
    if step == "open":  # the one that makes the temporary file
        fail = failing(step, number, real)
        monkeypatch.setattr(os, step, lambda path, flags, *m: (fail if flags & os.O_EXCL else real)(path, flags, *m))
    else:
        monkeypatch.setattr(os, step, failing(step, number, real))
    with pytest.raises(VaultError, match=os.strerror(number)):
        durable.put("zai", "main", {**SECRET, "token": "never stored"})
    assert vault.path.read_bytes() == before
    assert not list(vault.path.parent.glob(".*"))
    assert durable.put("zai", "main", SECRET, expected_rev=1).rev == 2  # the lock is free and nothing is remembered


def test_a_disk_that_does_not_confirm_the_rename_is_told(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    durable = Vault.open(vault.path, RAW)
    monkeypatch.setattr(os, "fsync", failing("fsync", errno.EIO, os.fsync, nth=2))
    with pytest.raises(VaultError, match="did not confirm"):
        durable.put("zai", "main", {**SECRET, "token": "newer"})
    record = durable.get("zai", "main")
    assert record is not None
    assert record.material["token"] == "newer"


def test_short_writes_are_gone_on_with(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:7]))
    vault.put("zai", "main", {**SECRET, "token": "newer"})
    record = Vault.open(vault.path, RAW).get("zai", "main")
    assert record is not None
    assert record.material["token"] == "newer"


def test_a_disk_that_changes_what_is_written_is_found_out(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    before = vault.path.read_bytes()
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data).replace(b"zai", b"zaj")))
    with pytest.raises(VaultError, match="comes back changed"):
        vault.put("zai", "main", SECRET)
    assert vault.path.read_bytes() == before
    assert not list(vault.path.parent.glob(".*"))


def test_an_interrupt_leaves_the_old_file_and_no_rest(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    before = vault.path.read_bytes()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            vault.put("zai", "main", SECRET)
    assert vault.path.read_bytes() == before
    assert not list(vault.path.parent.glob(".*"))
    vault.put("zai", "main", SECRET)


def test_data_is_on_the_disk_before_its_name_and_the_name_before_the_end(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    durable = Vault.open(vault.path, RAW)

    def noted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            order.append(name)
            return real(*args)

        return call

    for name in ("write", "fsync", "replace"):
        monkeypatch.setattr(os, name, noted(name, getattr(os, name)))
    durable.put("zai", "main", SECRET)
    assert order == ["write", "fsync", "replace", "fsync"]


@pytest.mark.parametrize("name", ["vault.json", "vault[1]*.json"])
def test_rests_of_killed_writers_go_with_the_next_opening_and_nothing_else(folder: Path, name: str) -> None:
    vault = Vault.create(folder / name, RAW, sync=False)
    others = [folder / other for other in (".other.json.1.tmp", "x.tmp", f"{name}.bak", f".{name}.keep", "vault1.json")]
    for path in others:
        path.write_text("not ours")
    rest = folder / f".{name}.0123.tmp"
    rest.write_text("rest")
    Vault.open(vault.path, RAW)
    assert not rest.exists()
    rest.write_text("rest")
    vault.put("zai", "main", SECRET)
    assert not rest.exists()
    assert all(path.exists() for path in others)
    assert body_of(vault.path)["generation"] == 2
