"""Small files beside the vault: whole, private, never through a link; and what is taken of forged ones."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.accounts.state_store import FileStateStore
from addons.recordings.archive import Switch, read_switch, write_switch
from addons.recordings.drift import KINDS_LIMIT, Drift
from addons.vault.small_files import LEFT_OVER_S, read_small, write_small
from tests.support.private_files import put

NOW = 1_800_000_000
ACCOUNT = ("zai", "main")


# -- writing ----------------------------------------------------------------------------------------------------------
def test_a_file_is_replaced_whole_and_private(folder: Path) -> None:
    path = folder / "file.json"
    for content in (b"one", b"two"):
        write_small(path, content)
        assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(folder) == ["file.json"]


def test_what_was_written_is_on_the_disk_before_it_takes_the_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noted(name: str) -> None:
        real = getattr(os, name)

        def step(*given: object) -> object:
            order.append(name)
            return real(*given)

        monkeypatch.setattr(os, name, step)

    for name in ("write", "fsync", "replace"):
        noted(name)
    write_small(folder / "file.json", b"new")
    assert order == ["write", "fsync", "replace", "fsync"]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_disk_that_takes_nothing_leaves_the_old_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_small(folder / "file.json", b"old")

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, step, full)
        with pytest.raises(OSError, match="No space"):
            write_small(folder / "file.json", b"new")
    assert (folder / "file.json").read_bytes() == b"old"
    assert os.listdir(folder) == ["file.json"]


@pytest.mark.parametrize("name", ["file.json", ".file.json.tmp"])
def test_nothing_is_written_through_a_link(folder: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (folder / name).symlink_to(victim)
    write_small(folder / "file.json", b"new")
    assert victim.read_text() == "untouched"
    assert (folder / "file.json").read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["link", "open", "file"])
def test_a_folder_that_is_not_ours_alone_is_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    where = folder
    if kind == "open":
        folder.chmod(0o777)
    elif kind == "link":
        where = tmp_path / "link"
        where.symlink_to(folder)
    else:
        where = tmp_path / "file"
        where.write_text("")
    with pytest.raises(OSError, match=r"sessions|link|file"):
        write_small(where / "file.json", b"new")
    assert os.listdir(folder) == []


def test_what_dead_writers_left_is_removed(folder: Path) -> None:
    old, young = folder / ".file.json.x.tmp", folder / ".file.json.y.tmp"
    for path in (old, young):
        path.touch()
    os.utime(old, (time.time() - 2 * LEFT_OVER_S,) * 2)
    write_small(folder / "file.json", b"new")
    assert sorted(os.listdir(folder)) == [".file.json.y.tmp", "file.json"]


def test_what_is_large_open_or_a_link_is_not_read(folder: Path, tmp_path: Path) -> None:
    path = folder / "file.json"
    write_small(path, b"x" * 101)
    assert read_small(path, 100) is None
    assert read_small(path, 101) is not None
    path.chmod(0o644)
    assert read_small(path) is None
    (folder / "link").symlink_to(put(tmp_path / "other", {}))
    assert read_small(folder / "link") is None
    os.mkfifo(folder / "pipe", 0o600)
    assert read_small(folder / "pipe") is None


# -- any content -----------------------------------------------------------------------------------------------------
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda i: (
            st.lists(i)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "accounts",
                        "zai/main",
                        "state",
                        "until",
                        "models",
                        "starts",
                        "record",
                        "enabled",
                        "folder",
                        "zai",
                        "count",
                        "last",
                        "version",
                        "health",
                    ]
                )
                | st.text(),
                i,
            )
        ),
    )
)
def test_any_file_is_read_or_passed_over(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    folder = tmp_path_factory.mktemp("any")
    folder.chmod(0o700)
    for name in ("accounts.json", "drift.json", "record.json"):
        put(folder / name, value)
    FileStateStore(folder / "accounts.json", lambda: NOW).get(ACCOUNT)
    Drift.load(folder / "drift.json").plain()
    read_switch(folder / "record.json")


# -- what was unknown -------------------------------------------------------------------------------------------------
def test_any_word_of_a_site_can_be_counted(folder: Path) -> None:
    drift = Drift.load(folder / "drift.json")
    drift.count("zai", {"field \ud800": 2, "\x1b[2J": 1, "x" * 10_000: 1}, NOW, "req\ud800")
    drift.save()
    kept = Drift.load(folder / "drift.json").plain()["zai"]
    assert len(kept) == 3
    assert all(kind.isprintable() and len(kind) <= 200 for kind in kept)


def test_a_forged_count_is_bounded(folder: Path) -> None:
    good = {"count": 3, "last": NOW, "example": "x"}
    stored = {
        "zai": {f"k{i}": good for i in range(5000)},
        "\x1b": {"k": good},
        "qwen": {
            "\x1bk": good | {"example": "\x1b" * 10_000},
            "many": good | {"count": 10**30},
            "few": good | {"count": -1},
            "true": good | {"count": True},
            "late": good | {"last": 10**30},
            "nan": good | {"last": float("nan")},
        },
    }
    kept = Drift.load(put(folder / "drift.json", stored)).plain()
    assert set(kept) == {"zai", "qwen"}
    assert len(kept["zai"]) == KINDS_LIMIT
    (kind,) = kept["qwen"]
    assert kind.isprintable()
    assert len(str(kept["qwen"][kind]["example"])) <= 200


# -- the switch of recording ------------------------------------------------------------------------------------------
def test_the_switch_is_kept(folder: Path) -> None:
    write_switch(folder / "record.json", Switch(True, Path("/somewhere/else")))
    assert read_switch(folder / "record.json") == Switch(True, Path("/somewhere/else"))


@pytest.mark.parametrize("named", ["relative", "/a/../../etc", "/a\x1b", "/a\0b", "/" + "x" * 5000, 5, ["/a"]])
def test_a_switch_names_no_odd_folder(folder: Path, named: object) -> None:
    put(folder / "record.json", {"enabled": True, "folder": named})
    assert read_switch(folder / "record.json") == Switch(True, None)


def test_a_switch_that_others_can_change_says_nothing(folder: Path) -> None:
    put(folder / "record.json", {"enabled": True}).chmod(0o666)
    assert read_switch(folder / "record.json") is None
