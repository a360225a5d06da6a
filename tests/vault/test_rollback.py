import os
import threading
from pathlib import Path

import pytest

from addons.vault import format as vault_format
from addons.vault.errors import VaultError, VaultPermissions, VaultRollback
from addons.vault.rollback import RollbackGuard
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET

ID = bytes(range(16))


@pytest.fixture
def guard(tmp_path: Path) -> RollbackGuard:
    return RollbackGuard(tmp_path / "state")


def rolled_back(vault: Vault) -> bytes:
    """Puts the file of before the last write back; gives the newer one."""
    old = vault.path.read_bytes()
    vault.put("zai", "main", {**SECRET, "token": "newer"})
    new = vault.path.read_bytes()
    vault.path.write_bytes(old)
    return new


def test_an_older_copy_is_refused_with_a_guard(vault: Vault, guard: RollbackGuard) -> None:
    guarded = Vault.open(vault.path, RAW, guard=guard, sync=False)
    new = rolled_back(guarded)
    with pytest.raises(VaultRollback, match="older"):
        Vault.open(vault.path, RAW, guard=guard)
    with pytest.raises(VaultRollback):
        guarded.put("zai", "main", SECRET)
    record = guarded.get("zai", "main")
    assert isinstance(guarded.problem, VaultRollback)
    assert record is not None
    assert record.material["token"] == "newer"
    vault.path.write_bytes(new)
    Vault.open(vault.path, RAW, guard=guard)


def test_an_older_copy_opens_without_a_guard(vault: Vault) -> None:
    rolled_back(vault)
    record = Vault.open(vault.path, RAW).get("zai", "main")
    assert record is not None
    assert record.material["token"] == "the-secret-token"


def test_an_older_copy_can_be_accepted(vault: Vault, guard: RollbackGuard) -> None:
    guarded = Vault.open(vault.path, RAW, guard=guard, sync=False)
    rolled_back(guarded)
    document = vault_format.read(vault.path.read_bytes(), RAW)
    guard.accept(document.vault_id, document.generation)
    assert Vault.open(vault.path, RAW, guard=guard).get("zai", "main") is not None


def test_writers_without_a_guard_do_no_harm(vault: Vault, guard: RollbackGuard) -> None:
    Vault.open(vault.path, RAW, guard=guard)
    for _ in range(3):
        vault.put("zai", "main", SECRET)
    guarded = Vault.open(vault.path, RAW, guard=guard)
    document = vault_format.read(vault.path.read_bytes(), RAW)
    assert guard.seen(document.vault_id) == document.generation
    assert guarded.problem is None


def test_a_write_between_reading_and_asking_the_guard_is_no_rollback(vault: Vault, guard: RollbackGuard) -> None:
    guarded = Vault.open(vault.path, RAW, guard=guard)
    writer = Vault.open(vault.path, RAW, guard=guard, sync=False)

    class Slow(RollbackGuard):
        def seen(self, vault_id: bytes) -> int:
            if not wrote:
                wrote.append(1)
                writer.put("zai", "main", {**SECRET, "token": "written in between"})
            return super().seen(vault_id)

    wrote: list[int] = []
    guarded = Vault.open(vault.path, RAW, guard=Slow(vault.path.parent.parent / "state"))
    record = guarded.get("zai", "main")
    assert guarded.problem is None
    assert record is not None
    assert record.material["token"] == "written in between"
    assert not guarded.changed()


def test_what_is_remembered_never_goes_down(guard: RollbackGuard) -> None:
    assert guard.seen(ID) == 0
    threads = [threading.Thread(target=guard.note, args=(ID, number)) for number in (3, 9, 1, 7, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert guard.seen(ID) == 9
    guard.note(ID, 4)
    assert guard.seen(ID) == 9
    assert guard.seen(bytes(16)) == 0


def test_a_new_vault_is_remembered(folder: Path, guard: RollbackGuard) -> None:
    vault = Vault.create(folder / "vault.json", RAW, guard=guard, sync=False)
    assert guard.seen(vault_format.read(vault.path.read_bytes(), RAW).vault_id) == 1


@pytest.mark.parametrize(
    ("content", "fine"), [(b"", True), (b"00000000000000000007", True), (b"x", False), (b"-1", False)]
)
def test_what_is_remembered_must_be_a_number(tmp_path: Path, guard: RollbackGuard, content: bytes, fine: bool) -> None:
    guard.note(ID, 5)
    (tmp_path / "state" / ID.hex()).write_bytes(content)
    if fine:
        assert guard.seen(ID) == int(content or b"0")
        return
    with pytest.raises(VaultError, match="damaged"):
        guard.seen(ID)


def test_the_memory_is_private(tmp_path: Path, guard: RollbackGuard) -> None:
    guard.note(ID, 5)
    (tmp_path / "state").chmod(0o755)
    with pytest.raises(VaultPermissions, match="chmod 700"):
        guard.seen(ID)
    (tmp_path / "state").chmod(0o700)
    os.chmod(tmp_path / "state" / ID.hex(), 0o644)
    with pytest.raises(VaultPermissions, match="chmod 600"):
        guard.note(ID, 6)


def test_one_older_copy_is_accepted_and_logged(
    vault: Vault, guard: RollbackGuard, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = Vault.open(vault.path, RAW, guard=guard, sync=False)
    before = vault.path.read_bytes()
    rolled_back(guarded)
    accepting = RollbackGuard(guard.folder, accept_older=True)
    opened = Vault.open(vault.path, RAW, guard=accepting, sync=False)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "generation 3 after 4" in caplog.text
    assert guard.seen(vault_format.read(before, RAW).vault_id) == 3
    rolled_back(opened)
    with pytest.raises(VaultRollback):
        Vault.open(vault.path, RAW, guard=accepting)


def test_a_write_that_the_guard_cannot_remember_is_done_all_the_same(
    vault: Vault, guard: RollbackGuard, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = Vault.open(vault.path, RAW, guard=guard, sync=False)

    def full(*_: object) -> None:
        raise VaultError("no space")

    guard.note = full  # type: ignore[assignment, method-assign]
    assert guarded.put("zai", "main", {**SECRET, "token": "newer"}).material["token"] == "newer"
    assert "could not remember it" in caplog.text
    assert "newer" not in caplog.text


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VaultError, match="rollback_guard: false"):
        Vault.open(vault.path, RAW, guard=RollbackGuard(tmp_path / "file" / "state"))


def test_a_running_process_takes_the_older_copy_that_was_accepted_in_another(
    vault: Vault, guard: RollbackGuard
) -> None:
    """Else it would say for ever that an old copy was put back."""
    running = Vault.open(vault.path, RAW, guard=guard, sync=False)
    rolled_back(running)
    running.refresh()
    assert "an old copy was put back" in str(running.problem)
    assert not running.changed(), "it is not read again and again"
    accepting = RollbackGuard(guard.folder, accept_older=True)
    Vault.open(vault.path, RAW, guard=accepting)
    assert running.changed()
    running.refresh()
    assert running.problem is None
    assert running.known["zai", "main"].material["token"] == "the-secret-token"
