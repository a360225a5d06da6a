"""A file is replaced so that the old or the new one is there whole, whatever fails in between."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addons.vault.replacing import Unconfirmed, leftovers, replace_file

OLD, NEW = b"the old one", b"the new one, which is longer"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "kept.json"
    made.write_bytes(OLD)
    made.chmod(0o644)
    return made


def test_the_new_one_is_private_and_its_state_is_told(file: Path) -> None:
    before = file.stat().st_ino
    found = replace_file(file, NEW)
    assert file.read_bytes() == NEW
    assert (found.st_mode & 0o777, found.st_size, found.st_ino) == (0o600, len(NEW), file.stat().st_ino)
    assert found.st_ino != before
    assert list(file.parent.iterdir()) == [file]


def test_one_that_was_not_there_is_made(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", b"")
    assert (tmp_path / "a").read_bytes() == b""


def failing(name: str, at: int = 0) -> Callable[[pytest.MonkeyPatch], None]:
    """Has the call of that number of a function of `os` fail."""

    def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
        real, calls = getattr(os, name), iter(range(1000))

        def call(*a: Any, **k: Any) -> Any:
            if next(calls) == at:
                raise OSError(28, "No space left on device")
            return real(*a, **k)

        monkeypatch.setattr(os, name, call)

    return spoil


@pytest.mark.parametrize("spoil", [failing("write"), failing("fsync"), failing("replace"), failing("fstat")])
def test_what_fails_leaves_the_old_one_and_no_rest(
    file: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None]
) -> None:
    with monkeypatch.context() as within:
        spoil(within)
        with pytest.raises(OSError, match="No space"):
            replace_file(file, NEW)
    assert list(file.parent.iterdir()) == [file]


def test_before_the_rename_nothing_of_the_new_one_is_seen(file: Path) -> None:
    seen: list[tuple[bytes, bytes]] = []
    replace_file(file, NEW, verify=lambda temporary: seen.append((temporary.read_bytes(), file.read_bytes())))
    assert seen == [(NEW, OLD)]


def test_one_that_is_not_right_does_not_take_the_place(file: Path) -> None:
    def refuse(temporary: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(file, NEW, verify=refuse)
    assert file.read_bytes() == OLD
    assert list(file.parent.iterdir()) == [file]


def test_a_disk_that_does_not_confirm_is_told_though_the_new_one_stands(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing("fsync", at=1)(monkeypatch)
    with pytest.raises(Unconfirmed, match="No space"):
        replace_file(file, NEW)
    assert file.read_bytes() == NEW


@pytest.mark.parametrize("sync", [True, False])
def test_file_and_folder_are_synced_in_that_order_or_not_at_all(
    file: Path, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append("folder" if os.path.isdir(f"/dev/fd/{descriptor}") else "file")
    )
    replace_file(file, NEW, sync=sync)
    assert synced == (["file", "folder"] if sync else [])


def test_a_temporary_file_that_is_there_or_a_link_is_not_written_to(file: Path) -> None:
    kinds: list[Callable[[Path], object]] = [
        lambda path: path.write_bytes(b"theirs"),
        lambda path: path.symlink_to(file),
    ]
    for make in kinds:
        temporary = file.with_name(".kept.json.mine.tmp")
        make(temporary)
        with pytest.raises(FileExistsError):
            replace_file(file, NEW, unique="mine")
        assert file.read_bytes() == OLD
        temporary.unlink()


def test_rests_of_writers_are_those_of_this_file(file: Path) -> None:
    for name in (
        ".kept.json.abc.tmp",
        ".kept.json.abc",
        "kept.json.abc.tmp",
        ".other.json.abc.tmp",
        ".kept.jsonabc.tmp",
    ):
        file.with_name(name).touch()
    assert [path.name for path in leftovers(file)] == [".kept.json.abc.tmp"]


def test_short_writes_are_gone_on_with(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:3])))
    replace_file(file, NEW)
    assert file.read_bytes() == NEW
