"""The audit log: a line for each thing done, private, bounded, of printable text."""

import json
import os
from pathlib import Path

import pytest

from addons.vault import audit
from addons.vault.errors import VaultPermissions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


def test_a_line_for_each_thing(folder: Path) -> None:
    audit.note(folder, 0.0, "keys add", {"key": "ada", "time": "forged"})
    audit.note(folder, 1.5, "reload", {})
    first, second = audit.noted(folder)
    assert first == {"time": "1970-01-01T00:00:00Z", "by": first["by"], "action": "keys add", "key": "ada"}
    assert (second["action"], second["time"]) == ("reload", "1970-01-01T00:00:01Z")
    assert (folder / audit.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_hostile_words_make_no_lines_of_their_own(folder: Path) -> None:
    audit.note(folder, 0.0, "keys add", {"note": "a\nb\x1b[31m" + "x" * 9999, "e\n": "\ud800"})
    data = (folder / audit.FILE_NAME).read_bytes()
    assert data.count(b"\n") == 1
    assert len(data) < 1000
    told = json.loads(data)
    assert told["note"].startswith("a\\x0ab\\x1b[31m")
    assert all(value.isprintable() for pair in told.items() for value in pair)


def test_it_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LIMIT_BYTES", 300)
    for number in range(20):
        audit.note(folder, number, "reload", {"number": str(number)})
    assert sum(file.stat().st_size for file in folder.glob("audit.jsonl*")) <= 600
    numbers = [int(line["number"]) for line in audit.noted(folder)]
    assert numbers == list(range(numbers[0], 20))


def test_a_link_or_an_open_file_is_not_written_to(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / audit.FILE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultPermissions):
        audit.note(folder, 0.0, "reload", {})
    assert not (tmp_path / "elsewhere").exists()
    assert "could not be noted" in str(audit.try_note(folder, "reload", {}))
    assert list(audit.noted(folder)) == []


def test_what_is_no_line_is_passed_over(folder: Path) -> None:
    audit.note(folder, 0.0, "reload", {})
    with (folder / audit.FILE_NAME).open("ab") as file:
        file.write(b"garbage\n[1]\n" + b"[" * 100_000 + b"\n")
    assert [line["action"] for line in audit.noted(folder)] == ["reload"]
    assert audit.try_note(folder, "reload", {}) is None


def test_a_full_disk_leaves_no_part_of_a_line_and_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit.note(folder, 0.0, "reload", {})
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, data[:20]))
    assert "could not be noted" in str(audit.try_note(folder, "keys revoke", {"key": "ada"}))
    monkeypatch.undo()
    audit.note(folder, 1.0, "keys revoke", {"key": "ada"})
    assert [line["action"] for line in audit.noted(folder)] == ["reload", "keys revoke"]
    assert (folder / audit.FILE_NAME).read_bytes().count(b"\n") == 2


def test_a_line_that_was_cut_takes_no_other_with_it(folder: Path) -> None:
    audit.note(folder, 0.0, "reload", {})
    with (folder / audit.FILE_NAME).open("ab") as file:
        file.write(b'{"time": "20')
    audit.note(folder, 1.0, "keys revoke", {"key": "ada"})
    assert [line["action"] for line in audit.noted(folder)] == ["reload", "keys revoke"]
