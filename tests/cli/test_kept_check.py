"""What doctor says of kept items."""

import os
from pathlib import Path

import pytest

from addons.cli.kept_check import check_kept
from addons.config.loader import load_config
from addons.kept.files import KeptFolder
from addons.kept.sealing import Sealing
from addons.kept.shelf import Item, ItemKey

PROVIDERS = "providers: {a: {type: openai_compatible, preset: deepseek, accounts: [main]}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> KeptFolder:
    found, sealing, key = KeptFolder(tmp_path / "kept"), Sealing(b"k" * 32, os.urandom), ItemKey(b"a", "response", "1")
    found.write(sealing.name(key), sealing.seal(sealing.name(key), key, Item(b"x" * 2000, 1)))
    return found


def findings(folder: KeptFolder, *, sealed: bool = True, more: str = "") -> list[tuple[str, str]]:
    file = folder.path.parent / "config.yaml"
    file.write_text(f"auth: {{tokens: [sk-glassgate-Zk3vX9qLw7TnB2]}}\n{more}\n{PROVIDERS}")
    file.chmod(0o600)
    return [(one.status, f"{one.message} {one.fix}") for one in check_kept(load_config(file), folder, sealed=sealed)]


def test_what_is_kept_is_counted(folder: KeptFolder) -> None:
    [(status, words)] = findings(folder)
    assert (status, words) == ("ok", f"items kept for clients: 1, of 2 KB, in {folder.path} ")
    [(status, words)] = findings(KeptFolder(folder.path.with_name("none")))
    assert (status, words.split(",")[0]) == ("ok", "items kept for clients: 0")


def test_damage_is_told_and_what_to_do(folder: KeptFolder) -> None:
    (folder.path / "x.damaged").write_text("")
    assert [status for status, _ in findings(folder)] == ["warning", "ok"]
    assert f"remove what ends with .damaged from {folder.path}" in findings(folder)[0][1]


def test_a_folder_that_is_open_to_others_is_told_with_the_way_out(folder: KeptFolder) -> None:
    folder.path.chmod(0o755)
    [(status, words)] = findings(folder)
    assert status == "warning"
    assert words.endswith(f"{folder.path} is open to others chmod 700 {folder.path}")


def test_without_a_vault_or_room_nothing_outlives_the_gateway(folder: KeptFolder) -> None:
    assert findings(folder, sealed=False) == [("ok", "without a vault what is kept for clients ends with the gateway ")]
    assert findings(folder, more="kept: {mb: 0}") == [("ok", "nothing is kept for clients (kept.mb is 0) ")]
