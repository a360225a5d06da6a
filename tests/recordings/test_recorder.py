"""Recordings in a folder: written whole, named shortly, the oldest removed first."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from addons.recordings.kept_files import ENDING
from addons.recordings.recorder import Recorder
from addons.recordings.recording import Recording
from tests.recordings.test_recording import recorded
from tests.support.counting import work_of


def test_old_recordings_go_first(tmp_path: Path) -> None:
    clock = [time.time() - 1000]
    size = len(recorded().dump())
    recorder = Recorder(tmp_path / "r", max_mb=3.5 * size / 1e6, max_days=30, now=lambda: clock[0])
    for number in range(5):
        clock[0] += 60
        path = recorder.write(recorded(), f"req_{number}", 1)
        assert path
        os.utime(path, (clock[0], clock[0]))
    recorder.prune()
    left = sorted(path.name for path in (tmp_path / "r").glob(f"*{ENDING}"))
    assert [name.split("-")[-2] for name in left] == ["req_2", "req_3", "req_4"]
    clock[0] += 31 * 86_400
    recorder.prune()
    assert list((tmp_path / "r").iterdir()) == []


def test_a_full_disk_ends_the_recording_and_leaves_no_half_file(tmp_path: Path, monkeypatch: Any) -> None:
    recorder = Recorder(tmp_path, max_mb=1, max_days=1)

    def full(*a: Any, **k: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert recorder.write(recorded(), "req_1", 1) is None
    assert recorder.broken
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("recording", "name"),
    [
        (recorded(), "231114-221320500-zai-GLM-4.6-0123abcd-1"),
        (recorded(provider_type="openai_compatible"), "231114-221320500-openai-GLM-4.6-0123abcd-1"),
        (recorded(model="vendor/model-of-a-very-long-name"), "231114-221320500-zai-vendor_model-of-a-ve-0123abcd-1"),
        (recorded().model_copy(update={"part": "step"}), "231114-221320500-zai-preparing-0123abcd-1"),
    ],
    ids=["attempt", "official", "long", "step"],
)
def test_a_recordings_name_is_short(tmp_path: Path, recording: Recording, name: str) -> None:
    path = Recorder(tmp_path, max_mb=1, max_days=1, now=lambda: 1_700_000_000.5).write(recording, "req_ffff0123abcd", 1)
    assert path is not None
    assert path.name == name + ENDING


def test_recordings_of_one_moment_do_not_take_each_others_place(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, max_mb=1, max_days=1, now=lambda: 1_700_000_000.0)
    paths = [recorder.write(recorded(), "req_1", 1) for _ in range(3)]
    assert [path.name.split("-")[-1] for path in paths if path] == [f"{number}{ENDING}" for number in (1, 2, 3)]


def test_what_is_recorded_can_be_read_by_its_owner_alone_and_is_the_recording(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    path = Recorder(folder, max_mb=1, max_days=1).write(recorded(), "req_1", 1)
    assert path is not None
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert Recording.load(path.read_text()) == recorded()


def test_one_that_has_ended_tries_the_disk_no_more(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r", max_mb=1, max_days=1, broken=True)
    assert recorder.write(recorded(), "req_1", 1) is None
    assert not (tmp_path / "r").exists()


def test_a_folder_that_is_a_file_ends_the_recording_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "r").write_text("")
    recorder = Recorder(tmp_path / "r", max_mb=1, max_days=1)
    assert recorder.write(recorded(), "req_1", 1) is None
    assert recorder.broken
    assert "recording has ended" in caplog.text


def test_words_that_cannot_be_written_cost_this_recording_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path, max_mb=1, max_days=1)
    odd = recorded().model_copy(update={"error": "half \ud800"})
    assert recorder.write(odd, "req_1", 1) is None
    assert "cannot be recorded" in caplog.text
    assert recorder.write(recorded(), "req_2", 1) is not None


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    (tmp_path / f"gone{ENDING}").symlink_to(tmp_path / "nowhere")
    Recorder(tmp_path, max_mb=0, max_days=1).prune()
    assert (tmp_path / "mine.txt").exists()


def test_a_recording_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    def work(already: int) -> int:
        folder = tmp_path / str(already)
        folder.mkdir()
        for number in range(already):
            (folder / f"{number}{ENDING}").write_text("x")
        recorder = Recorder(folder, max_mb=1, max_days=1, now=time.time)
        assert recorder.write(recorded(), "req_1", 1)
        _, count = work_of(lambda: recorder.write(recorded(), "req_2", 1))
        assert len(list(folder.iterdir())) == already + 2
        return count

    assert work(300) == work(3)
