"""The mirror on the disk: what outlives the process, whatever becomes of disk, key and other processes."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from addons.kept.files import KeptFolder
from addons.kept.items import DAY_S, KeptStore
from addons.kept.mirror import Mirror, MirrorKeys

KEYS = MirrorKeys(b"vault-id", b"k" * 32)
ROTATED = MirrorKeys(b"vault-id", b"j" * 32)
PLACE = ("api", "a")


class Process:
    """One process with a store of its own."""

    def __init__(self, folder: Path, keys: MirrorKeys | None = KEYS, **bounds: float) -> None:
        self.time = 1_800_000_000.0
        self.keys = keys
        self.store = KeptStore(lambda: self.time, **bounds)
        self.mirror = Mirror(self.store, KeptFolder(folder / "kept"), lambda: self.keys)
        self.mirror.restore()

    def save(self) -> None:
        asyncio.run(self.mirror.save())

    def keep(self, *ids: str, value: bytes = b"said") -> None:
        for id in ids:
            assert self.store.of(b"ada").put("response", id, value)

    def kept(self) -> list[str]:
        return self.store.of(b"ada").ids("response")


def files(folder: Path) -> int:
    return len([name for name in os.listdir(folder / "kept") if len(name) == 32])


def test_it_is_there_again_after_a_restart(tmp_path: Path) -> None:
    first = Process(tmp_path)
    first.keep("1", "2", "3")
    first.store.of(b"bob").put("file", "file-1", b"", PLACE)
    first.store.of(b"ada").delete("response", "2")
    first.save()
    second = Process(tmp_path)
    assert sorted(second.kept()) == ["1", "3"]
    assert second.store.of(b"ada").get("response", "1") == b"said"
    assert second.store.of(b"bob").place("file", "file-1") == PLACE
    assert second.store.of(b"bob").get("response", "1") is None
    second.save()
    assert files(tmp_path) == 3


def test_only_what_is_new_is_written(tmp_path: Path) -> None:
    one = Process(tmp_path)
    one.keep("1")
    one.save()
    before = {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(tmp_path / "kept")}
    one.keep("2")
    one.save()
    one.save()
    after = {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(tmp_path / "kept")}
    assert before.items() < after.items()
    assert len(after) == 2


def test_a_folder_in_which_nothing_happens_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Process(tmp_path)
    one.keep("1")
    for _ in range(2):  # the second sees what the first has written
        one.save()
    monkeypatch.setattr(KeptFolder, "names", lambda _: pytest.fail("it was looked at"))
    one.save()


def test_one_that_is_put_anew_is_written_anew(tmp_path: Path) -> None:
    one = Process(tmp_path)
    one.keep("1")
    one.save()
    one.keep("1", value=b"more")
    one.save()
    assert files(tmp_path) == 1
    assert Process(tmp_path).store.of(b"ada").get("response", "1") == b"more"


def test_what_goes_has_no_file_any_more(tmp_path: Path) -> None:
    one = Process(tmp_path)
    one.keep("old")
    one.time += 1
    one.keep("1", "2")
    one.save()
    one.time += 30 * DAY_S - 1
    one.store.of(b"ada").delete("response", "1")
    one.save()
    assert (one.kept(), files(tmp_path)) == (["2"], 1)


def test_without_a_vault_nothing_is_written(tmp_path: Path) -> None:
    one = Process(tmp_path, None)
    one.keep("1")
    one.save()
    assert one.kept() == ["1"]
    assert os.listdir(tmp_path) == []


def test_what_was_kept_before_there_was_a_vault_is_written_then(tmp_path: Path) -> None:
    earlier = Process(tmp_path)
    earlier.keep("0")
    earlier.save()
    one = Process(tmp_path, None)
    one.keep("1", "2")
    one.keys = KEYS
    one.save()
    assert sorted(one.kept()) == ["0", "1", "2"]
    assert len(one.store.answers) == 3
    assert sorted(Process(tmp_path).kept()) == ["0", "1", "2"]


def test_another_data_key_while_it_runs_keeps_everything(tmp_path: Path) -> None:
    one = Process(tmp_path)
    one.keep("1", "2")
    one.save()
    one.keys = ROTATED
    one.save()
    assert files(tmp_path) == 2
    assert sorted(Process(tmp_path, ROTATED).kept()) == ["1", "2"]


def test_another_data_key_while_nobody_runs_drops_everything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = Process(tmp_path)
    one.keep("1", "2")
    one.save()
    other = Process(tmp_path, ROTATED)
    assert (other.kept(), files(tmp_path)) == ([], 0)
    assert "2 files" in caplog.text


def test_two_processes_see_what_each_keeps_and_deletes(tmp_path: Path) -> None:
    one, two = Process(tmp_path), Process(tmp_path)
    one.keep("1", "2")
    two.keep("3")
    for process in (one, two, one):
        process.save()
    assert sorted(one.kept()) == sorted(two.kept()) == ["1", "2", "3"]
    two.store.of(b"ada").delete("response", "1")
    two.save()
    one.save()
    assert sorted(one.kept()) == ["2", "3"]
    one.save()
    two.save()
    assert files(tmp_path) == 2


def test_two_processes_that_hear_of_another_key_one_after_the_other(tmp_path: Path) -> None:
    one, two = Process(tmp_path), Process(tmp_path)
    one.keep("1")
    one.save()
    two.save()
    one.keys = ROTATED
    one.save()
    for _ in range(2):
        two.save()  # it cannot open what is there now
        assert two.kept() == ["1"]
    two.keys = ROTATED
    two.save()
    assert one.kept() == two.kept() == ["1"]
    assert sorted(Process(tmp_path, ROTATED).kept()) == ["1"]


def test_a_full_disk_is_told_once_and_nothing_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = Process(tmp_path)
    one.keep("1")
    one.save()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("addons.kept.files.replace_file", full)
        one.keep("2")
        one.store.of(b"ada").delete("response", "1")
        for _ in range(3):
            one.save()
        assert files(tmp_path) == 0  # what was deleted is gone all the same
    assert [record.getMessage() for record in caplog.records] == [
        f"what is kept for clients cannot be written to {tmp_path / 'kept'}: No space left on device"
    ]
    assert one.kept() == ["2"]
    one.save()
    assert Process(tmp_path).kept() == ["2"]


def test_a_damaged_file_is_no_reason_not_to_start(tmp_path: Path) -> None:
    one = Process(tmp_path)
    one.keep("1", "2")
    one.save()
    (tmp_path / "kept" / os.listdir(tmp_path / "kept")[0]).write_bytes(b"")
    assert len(Process(tmp_path).kept()) == 1


def test_a_folder_of_others_is_no_reason_either(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "kept").mkdir(mode=0o755)
    (tmp_path / "kept").chmod(0o755)
    one = Process(tmp_path)
    one.keep("1")
    one.save()
    assert one.kept() == ["1"]
    assert "open to others" in caplog.text


def test_a_folder_that_is_opened_to_others_meanwhile_makes_nothing_forgotten(tmp_path: Path) -> None:
    one = Process(tmp_path)
    one.keep("1")
    one.save()
    (tmp_path / "kept").chmod(0o755)
    one.save()
    one.keep("2")
    one.save()
    assert sorted(one.kept()) == ["1", "2"]
    (tmp_path / "kept").chmod(0o700)
    one.save()
    assert sorted(Process(tmp_path).kept()) == ["1", "2"]


def test_less_room_removes_what_does_not_fit(tmp_path: Path) -> None:
    one = Process(tmp_path, megabytes=8)
    one.keep("1", "2", value=b"x" * 900_000)
    one.save()
    two = Process(tmp_path, megabytes=1)
    two.save()
    assert (two.kept(), files(tmp_path)) == ([], 0)


def test_a_run_that_was_given_up_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Process(tmp_path)
    one.keep("1", "2")
    one.save()
    one.store.of(b"ada").delete("response", "1")
    begun, go_on = threading.Event(), threading.Event()
    remove = KeptFolder.remove

    def slow(folder: KeptFolder, name: str) -> None:
        begun.set()
        assert go_on.wait(30)
        remove(folder, name)

    monkeypatch.setattr(KeptFolder, "remove", slow)

    async def given_up_and_again() -> None:
        first = asyncio.ensure_future(one.mirror.save())
        await asyncio.to_thread(begun.wait, 30)
        first.cancel()
        second = asyncio.ensure_future(one.mirror.save())
        await asyncio.sleep(0)
        go_on.set()
        await second

    asyncio.run(given_up_and_again())
    assert (one.kept(), files(tmp_path)) == (["2"], 1)


def test_a_process_that_has_restored_nothing_touches_nothing(tmp_path: Path) -> None:
    one = Process(tmp_path)
    one.keep("1")
    one.save()
    command = Mirror(KeptStore(), KeptFolder(tmp_path / "kept"), lambda: KEYS)
    command.store.of(b"ada").put("response", "2", b"x")
    asyncio.run(command.save())
    assert files(tmp_path) == 1
