import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from addons.vault.durable import replace_file
from addons.vault.errors import VaultError, VaultPermissions
from addons.vault.permissions import check_handed_over, make_folder
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_made_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        vault = Vault.create(tmp_path / "new" / "vault.json", RAW, sync=False)
        vault.put("zai", "main", SECRET)
    finally:
        os.umask(before)
    assert mode(vault.path) == 0o600
    assert mode(vault.path.parent) == 0o700
    assert mode(vault.path.with_name("vault.json.lock")) == 0o600


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o666, 0o610], ids=oct)
def test_an_open_file_is_refused_with_the_cure(vault: Vault, wide: int) -> None:
    vault.path.chmod(wide)
    with pytest.raises(VaultPermissions, match=f"chmod 600 {vault.path}"):
        Vault.open(vault.path, RAW)
    with pytest.raises(VaultPermissions):
        vault.put("zai", "main", SECRET)


@pytest.mark.parametrize("wide", [0o755, 0o777, 0o701], ids=oct)
def test_an_open_folder_is_refused_with_the_cure(vault: Vault, wide: int) -> None:
    vault.path.parent.chmod(wide)
    for call in (lambda: Vault.open(vault.path, RAW), lambda: vault.put("zai", "main", SECRET)):
        with pytest.raises(VaultPermissions, match=f"chmod 700 {vault.path.parent}"):
            call()
    with pytest.raises(VaultPermissions, match="chmod 700"):
        Vault.create(vault.path.with_name("new.json"), RAW)


def test_the_cure_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    vault = Vault.create(tmp_path / "my sessions; true" / "vault.json", RAW, sync=False)
    vault.path.chmod(0o644)
    with pytest.raises(VaultPermissions) as caught:
        Vault.open(vault.path, RAW)
    assert f"chmod 600 '{vault.path}'" in str(caught.value)


def test_files_of_another_user_are_refused(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(VaultPermissions, match="another user"):
        Vault.open(vault.path, RAW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("what", ["vault.json", "vault.json.lock", "."])
def test_a_file_given_to_another_user_is_refused(vault: Vault, what: str) -> None:
    os.chown(vault.path.parent / what, 12345, -1)
    before = vault.path.read_bytes()
    with pytest.raises(VaultPermissions, match="another user"):
        vault.put("zai", "main", SECRET)
    assert vault.path.read_bytes() == before


def symlink(path: Path, target: Path) -> None:
    path.symlink_to(target)


def dangling(path: Path, target: Path) -> None:
    path.symlink_to(target.with_name("nowhere"))


def hard_link(path: Path, target: Path) -> None:
    os.link(target, path)


def fifo(path: Path, target: Path) -> None:
    os.mkfifo(path, 0o600)


def directory(path: Path, target: Path) -> None:
    path.mkdir(mode=0o700)


KINDS = [symlink, dangling, hard_link, fifo, directory]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_a_plain_file_is_opened_as_a_vault(vault: Vault, kind: Callable[[Path, Path], None]) -> None:
    target = vault.path.rename(vault.path.with_name("real.json"))
    before = target.read_bytes()
    kind(vault.path, target)
    with pytest.raises(VaultPermissions):
        Vault.open(vault.path, RAW)
    with pytest.raises(VaultPermissions):
        vault.put("zai", "main", SECRET)
    assert target.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_a_plain_file_is_a_lock(vault: Vault, tmp_path: Path, kind: Callable[[Path, Path], None]) -> None:
    target = tmp_path / "target"
    target.touch(0o600)
    target.write_text("untouched")
    lock, before = vault.path.with_name("vault.json.lock"), vault.path.read_bytes()
    lock.unlink()
    kind(lock, target)
    with pytest.raises(VaultPermissions):
        vault.put("zai", "main", SECRET)
    assert target.read_text() == "untouched"
    assert not target.with_name("nowhere").exists()
    assert vault.path.read_bytes() == before


def test_a_lock_that_others_could_hold_is_refused(vault: Vault) -> None:
    vault.path.with_name("vault.json.lock").chmod(0o666)
    with pytest.raises(VaultPermissions, match="chmod 600"):
        vault.put("zai", "main", SECRET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_temporary_file_is_never_one_that_is_there(
    vault: Vault, tmp_path: Path, kind: Callable[[Path, Path], None]
) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    before = vault.path.read_bytes()
    kind(vault.path.with_name(".vault.json.taken.tmp"), target)
    with pytest.raises(VaultError, match="File exists"):
        replace_file(vault.path, b"new", "taken", sync=False, verify=lambda _: None)
    assert target.read_text() == "untouched"
    assert os.path.lexists(vault.path.with_name(".vault.json.taken.tmp"))
    assert vault.path.read_bytes() == before


def test_a_folder_behind_a_link_is_refused(vault: Vault, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(vault.path.parent)
    with pytest.raises(VaultPermissions, match="symbolic link"):
        Vault.open(link / "vault.json", RAW)
    with pytest.raises(VaultPermissions, match="symbolic link"):
        Vault.create(link / "new.json", RAW)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VaultError, match="cannot be made"):
        make_folder(tmp_path / "file" / "folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(VaultPermissions):
        make_folder(tmp_path / "dangling")


def handed_over(mode: int, uid: int, kind: int = stat.S_IFREG) -> os.stat_result:
    return os.stat_result((kind | mode, 1, 1, 1, uid, 0, 65, 0, 0, 0))


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600])
def test_a_credential_is_root_s_with_an_entry_for_us_or_ours(monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 998)
    check_handed_over(Path("vault.key"), handed_over(mode, 0))
    if not mode & 0o077:
        check_handed_over(Path("vault.key"), handed_over(mode, 998))


@pytest.mark.parametrize(
    "found",
    [
        handed_over(0o444, 0),
        handed_over(0o460, 0),
        handed_over(0o440, 998),
        handed_over(0o400, 1000),
        handed_over(0o400, 0, stat.S_IFDIR),
    ],
    ids=["others read", "a group writes", "ours and open", "another user's", "a folder"],
)
def test_what_is_no_credential_is_refused(monkeypatch: pytest.MonkeyPatch, found: os.stat_result) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 998)
    with pytest.raises(VaultPermissions):
        check_handed_over(Path("vault.key"), found)
