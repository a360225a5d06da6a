"""The folder of kept items: what is read of it, what is put aside, and what is left alone."""

import os
import time
from pathlib import Path

import pytest

from addons.kept.files import FolderCount, KeptFolder
from addons.kept.sealing import Sealing
from addons.kept.shelf import Item, ItemKey
from addons.vault.errors import VaultPermissions

SEALING = Sealing(b"k" * 32, os.urandom)
OTHER = Sealing(b"j" * 32, os.urandom)


@pytest.fixture
def folder(tmp_path: Path) -> KeptFolder:
    return KeptFolder(tmp_path / "kept")


def put(folder: KeptFolder, id: str, sealing: Sealing = SEALING) -> str:
    key = ItemKey(b"ada", "response", id)
    name = sealing.name(key)
    folder.write(name, sealing.seal(name, key, Item(b"value", 5)))
    return name


def read(folder: KeptFolder, *, drop: bool = False) -> list[str]:
    return sorted(key.id for _, key, _ in folder.read(folder.names() or (), SEALING, drop_foreign=drop))


def test_files_come_back_and_are_the_users_alone(folder: KeptFolder) -> None:
    assert (folder.names(), folder.stamp(), read(folder)) == (set(), None, [])
    names = {put(folder, "1"), put(folder, "2")}
    assert folder.names() == names
    assert read(folder) == ["1", "2"]
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {(folder.path / name).stat().st_mode & 0o777 for name in names} == {0o600}
    before = folder.stamp()
    folder.remove(names.pop())
    folder.remove("f" * 32)  # none
    assert folder.stamp() != before
    assert len(read(folder)) == 1


@pytest.mark.parametrize("id", ["../../etc/passwd", "/", "\0", "\ud800", "", "x" * 512, "a\nb"])
def test_no_id_is_ever_a_name(folder: KeptFolder, id: str) -> None:
    put(folder, id)
    assert read(folder) == [id]
    assert [name for name in os.listdir(folder.path) if len(name) != 32] == []
    assert os.listdir(folder.path.parent) == ["kept"]


def test_a_damaged_one_is_put_aside_and_told_once(folder: KeptFolder, caplog: pytest.LogCaptureFixture) -> None:
    put(folder, "1")
    for id in "23":
        name = put(folder, id)
        (folder.path / name).write_bytes((folder.path / name).read_bytes()[:-1])
    assert read(folder) == ["1"]
    assert [record.getMessage() for record in caplog.records] == [
        f"2 damaged files in {folder.path} were put aside; what they kept is lost"
    ]
    assert folder.count() == FolderCount(
        1, (folder.path / SEALING.name(ItemKey(b"ada", "response", "1"))).stat().st_size, 2
    )
    caplog.clear()
    assert read(folder) == ["1"]
    assert not caplog.records


def test_one_under_anothers_name_is_damaged(folder: KeptFolder) -> None:
    name = put(folder, "1")
    (folder.path / name).rename(folder.path / ("0" * 32))
    assert read(folder) == []
    assert folder.count().aside == 1


def test_one_of_another_vault_key_is_left_or_removed(folder: KeptFolder, caplog: pytest.LogCaptureFixture) -> None:
    name = put(folder, "1", OTHER)
    assert read(folder) == []
    assert (folder.names(), caplog.records) == ({name}, [])
    assert read(folder, drop=True) == []
    assert folder.names() == set()
    assert "of another vault key" in caplog.text


def test_what_is_not_ours_is_not_looked_at(folder: KeptFolder) -> None:
    put(folder, "1")
    for name in ("README", "g" * 32, "A" * 32, "." + "0" * 31):
        (folder.path / name).write_text("x")
        (folder.path / name).chmod(0o600)
    os.symlink("/etc/passwd", folder.path / ("1" * 32))
    os.link(folder.path / "README", folder.path / ("2" * 32))
    (folder.path / ("3" * 32)).mkdir()
    (folder.path / ("4" * 32)).write_text("x")
    (folder.path / ("4" * 32)).chmod(0o644)
    assert read(folder, drop=True) == ["1"]
    assert folder.count().aside == 0
    assert (folder.names() or set()) >= {"1" * 32, "2" * 32, "3" * 32, "4" * 32}


def test_a_folder_that_is_open_to_others_is_neither_read_nor_written(folder: KeptFolder) -> None:
    put(folder, "1")
    folder.path.chmod(0o755)
    assert folder.names() is None
    with pytest.raises(OSError, match="open to others"):
        put(folder, "2")
    with pytest.raises(VaultPermissions):
        folder.count()


def test_what_was_left_is_swept_when_it_is_old(folder: KeptFolder) -> None:
    folder.sweep(5)  # no folder
    put(folder, "1")
    now = time.time()
    old = {".x.tmp": 700, ".y.tmp": 500, "a.damaged": 700, "b.damaged": 1500}
    for name, age in old.items():
        (folder.path / name).write_text("x")
        os.utime(folder.path / name, (now - age, now - age))
    folder.sweep(1000)
    assert {name for name in os.listdir(folder.path) if len(name) != 32} == {".y.tmp", "a.damaged"}
    assert folder.count().files == 1


def test_one_that_is_too_large_is_damaged(folder: KeptFolder) -> None:
    put(folder, "1")
    assert read(KeptFolder(folder.path, file_bytes=20)) == []


def test_nothing_is_counted_where_there_is_no_folder(folder: KeptFolder) -> None:
    assert folder.count() == FolderCount(0, 0, 0)
