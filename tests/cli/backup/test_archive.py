"""The backup file: what is written is read again; what is forged, cut or changed is refused before it can do harm."""

import errno
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import IO

import pytest

from addons.cli.backup.archive import (
    CONFIG,
    LIMITS,
    MANIFEST,
    USAGE,
    VAULT,
    ArchiveProblem,
    read_archive,
    write_archive,
)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    files = {name: tmp_path / f"of {name}" for name in (CONFIG, VAULT, USAGE)}
    for name, file in files.items():
        file.write_bytes(name.encode() * 100)
    write_archive(tmp_path / "a.backup", files, "0.1.0", 1_000_000)
    return tmp_path / "a.backup"


class Ledger(io.BytesIO):
    written = b""

    def close(self) -> None:
        Ledger.written = self.getvalue()
        super().close()


def ledger(name: str) -> IO[bytes]:
    return Ledger()


def test_what_is_written_is_read_again_by_us_and_by_any_tar(archive: Path) -> None:
    manifest, small = read_archive(archive, ledger)
    assert (manifest.version, manifest.made) == ("0.1.0", 1_000_000)
    assert small == {name: name.encode() * 100 for name in (CONFIG, VAULT)}
    assert Ledger.written == USAGE.encode() * 100
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as tar:
        assert tar.getnames() == [MANIFEST, CONFIG, VAULT, USAGE]


def test_no_file_is_written_over(archive: Path, tmp_path: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(ArchiveProblem, match="already"):
        write_archive(archive, {CONFIG: archive}, "x", 1)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ArchiveProblem, match="already"):
        write_archive(tmp_path / "link", {CONFIG: archive}, "x", 1)
    assert archive.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_a_disk_that_knows_no_links_takes_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick or a share is where people put backups; each ended in "Operation not permitted"."""

    def no_link(made: Path, path: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("addons.cli.backup.archive.os.link", no_link)
    (tmp_path / "config").write_bytes(b"x")
    write_archive(tmp_path / "a.backup", {CONFIG: tmp_path / "config"}, "x", 1)
    assert read_archive(tmp_path / "a.backup", ledger)[1] == {CONFIG: b"x"}
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.backup", "config"]


def test_what_is_too_large_is_said_when_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(LIMITS[CONFIG] + 1))
    with pytest.raises(ArchiveProblem, match="larger than a backup holds"):
        write_archive(tmp_path / "b", {CONFIG: tmp_path / "large"}, "x", 1)
    assert not (tmp_path / "b").exists()


def test_every_cut_and_every_changed_byte_that_counts_is_refused(archive: Path) -> None:
    data = archive.read_bytes()
    for length in range(0, len(data) - 1536, 256):
        archive.write_bytes(data[:length])
        with pytest.raises(ArchiveProblem):
            read_archive(archive, ledger)
    for place in (data.index(b"config.yamlconfig"), data.index(b"usage.dbusage.db") + 50):
        archive.write_bytes(data[:place] + b"X" + data[place + 1 :])
        with pytest.raises(ArchiveProblem, match="damaged"):
            read_archive(archive, ledger)


def tar_of(*members: tuple[str, bytes, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


FILE, LINK = tarfile.REGTYPE, tarfile.SYMTYPE


def manifest_of(files: str, form: str = "1", made: str = "1") -> tuple[str, bytes, bytes]:
    return MANIFEST, FILE, f'{{"glassgate_backup": {form}, "version": "x", "made": {made}, "files": {files}}}'.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive at all" * 100,
        tar_of(("../../etc/cron.d/evil", FILE, b"x")),
        tar_of((CONFIG, FILE, b"x")),
        tar_of((MANIFEST, FILE, b"[" * 50_000)),
        tar_of((MANIFEST, FILE, b" " * (65 * 1024))),
        tar_of(manifest_of("{}", form="2")),
        tar_of(manifest_of("{}", made="1e999")),
        tar_of(manifest_of("{}", made="1" + "0" * 30)),
        tar_of(manifest_of("{}", made="-1e20")),
        tar_of(manifest_of('{"config.yaml": {"size": Infinity, "sha256": "x"}}')),
        tar_of(manifest_of('{"../evil": {"size": 1, "sha256": "x"}}')),
        tar_of(manifest_of('{"config.yaml": {"size": "many", "sha256": "x"}}')),
        tar_of(manifest_of('{"config.yaml": {"size": 1, "sha256": "x"}}'), ("/etc/passwd", FILE, b"x")),
        tar_of(manifest_of('{"config.yaml": {"size": 0, "sha256": "x"}}'), (CONFIG, LINK, b"")),
        tar_of(manifest_of('{"config.yaml": {"size": 2, "sha256": "x"}}'), (CONFIG, FILE, b"x")),
        tar_of(manifest_of('{"config.yaml": {"size": 1, "sha256": "x"}}'), (CONFIG, FILE, b"x")),
        tar_of(manifest_of('{"config.yaml": {"size": 1, "sha256": "x"}}'), (CONFIG, FILE, bytes(LIMITS[CONFIG] + 1))),
        tar_of(manifest_of('{"config.yaml": {"size": 1, "sha256": "x"}}'), (VAULT, FILE, b"x")),
    ],
    ids=range(19),
)
def test_a_forged_one_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "forged"
    file.write_bytes(data)
    with pytest.raises(ArchiveProblem):
        read_archive(file, ledger)
    assert [one.name for one in tmp_path.iterdir()] == ["forged"]
