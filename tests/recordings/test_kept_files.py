"""What a folder of recordings holds: known without looking through it at each recording, and never wrong for long."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from addons.recordings.kept_files import ENDING, LOOK_AGAIN_S, KeptFiles


class Folder:
    """A folder of which `kept` knows; files are 10 bytes large."""

    def __init__(self, path: Path) -> None:
        self.path, self.seconds, self._ticks = path, 0.0, 0
        self.kept = KeptFiles(path, lambda: self.seconds)
        self.kept.look()

    def write(self, name: str, written: float) -> None:
        (self.path / f"{name}{ENDING}").write_bytes(b"x" * 10)
        os.utime(self.path / f"{name}{ENDING}", (written, written))

    def ours(self, name: str, written: float) -> None:
        self.write(name, written)
        self.kept.add(f"{name}{ENDING}", written, 10)

    def change(self, work: Callable[[], None]) -> None:
        """Somebody else's change, at a time that the folder's clock can tell from ours."""
        work()
        self._ticks += 1
        os.utime(self.path, ns=(0, self._ticks))

    @property
    def names(self) -> list[str]:
        return sorted(name.removesuffix(ENDING) for name in os.listdir(self.path))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_oldest_go_until_the_rest_is_small_enough(folder: Folder) -> None:
    for number in range(5):
        folder.ours(str(number), number)
    folder.kept.trim(35, since=0)
    assert folder.names == ["2", "3", "4"]


def test_what_was_written_before_a_time_goes(folder: Folder) -> None:
    for number in range(5):
        folder.ours(str(number), number)
    folder.kept.trim(1000, since=3)
    assert folder.names == ["3", "4"]


def test_what_others_write_counts_in_the_order_of_its_age(folder: Folder) -> None:
    folder.ours("a", 10)
    folder.change(lambda: folder.write("b", 5))
    folder.kept.look_if_changed()
    folder.kept.trim(10, since=0)
    assert folder.names == ["a"]


def test_what_others_remove_takes_no_room(folder: Folder) -> None:
    for number in range(3):
        folder.ours(str(number), number)
    folder.change(lambda: (folder.path / f"2{ENDING}").unlink())
    folder.kept.look_if_changed()
    folder.ours("3", 3)
    folder.kept.trim(30, since=0)
    assert folder.names == ["0", "1", "3"]


def test_a_change_that_the_folders_time_does_not_tell_is_seen_when_we_look_again(folder: Folder) -> None:
    folder.ours("a", 10)
    stood = os.stat(folder.path)
    folder.write("b", 5)
    os.utime(folder.path, ns=(stood.st_atime_ns, stood.st_mtime_ns))
    folder.kept.look_if_changed()
    folder.kept.trim(10, since=0)
    assert folder.names == ["a", "b"]
    folder.seconds += LOOK_AGAIN_S
    folder.kept.look_if_changed()
    folder.kept.trim(10, since=0)
    assert folder.names == ["a"]


def test_nothing_is_looked_through_as_long_as_nobody_else_changes_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "scandir", lambda path: pytest.fail("the folder was looked through"))
    for number in range(5):
        folder.kept.look_if_changed()
        folder.ours(str(number), number)
        folder.kept.trim(25, since=0)
    assert folder.names == ["3", "4"]


def test_a_folder_that_is_gone_holds_nothing(folder: Folder) -> None:
    folder.ours("a", 1)
    folder.path.joinpath(f"a{ENDING}").unlink()
    folder.path.rmdir()
    folder.kept.look_if_changed()
    folder.kept.trim(0, since=0)
    assert not folder.path.exists()


def test_one_that_was_removed_already_is_no_fault(folder: Folder) -> None:
    folder.ours("a", 1)
    folder.path.joinpath(f"a{ENDING}").unlink()
    folder.kept.trim(0, since=0)
    assert folder.names == []
