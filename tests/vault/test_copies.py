import os
from collections.abc import Callable
from pathlib import Path

import pytest

from addons.vault.copies import find_copies, remove_backups
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.vault.support import RAW, body_of


def copies(vault: Vault) -> list[str]:
    return [path.name for path in find_copies(vault.path, body_of(vault.path)["vault_id"])]


def test_copies_of_any_age_and_mode_are_found(vault: Vault, folder: Path) -> None:
    for name in ("vault.json.bak", "old", "vault (copy).json"):
        (folder / name).write_bytes(vault.path.read_bytes())
    (folder / "old").chmod(0o644)
    vault.change_key(VaultKey(raw=bytes(32)))
    assert copies(vault) == ["old", "vault (copy).json", "vault.json.bak"]


NOT: dict[str, Callable[[Path, Path], object]] = {
    "text": lambda path, vault: path.write_text("notes"),
    "other JSON": lambda path, vault: path.write_text('{"vault_id": 7}'),
    "deep JSON": lambda path, vault: path.write_text("[" * 100_000),
    "another vault": lambda path, vault: Vault.create(path, RAW, sync=False),
    "link": lambda path, vault: path.symlink_to(vault),
    "FIFO": lambda path, vault: os.mkfifo(path),
    "folder": lambda path, vault: path.mkdir(),
    "too large": lambda path, vault: path.write_bytes(vault.read_bytes() + b" " * 2**24),
}


@pytest.mark.parametrize("make", NOT.values(), ids=NOT)
def test_what_is_no_copy_is_left_alone(vault: Vault, folder: Path, make: Callable[[Path, Path], object]) -> None:
    make(folder / "x.bak", vault.path)
    assert copies(vault) == []


def test_backups_are_removed_and_the_rest_is_named(folder: Path) -> None:
    names = ["v.bak", "v.bak.1", "v.bak-20", "v.bak3", "v.json", "bak", "v.bak.txt"]
    paths = [folder / name for name in names]
    for path in paths:
        path.touch()
    removed, left = remove_backups(paths)
    assert [path.name for path in removed] == names[:4]
    assert [path.name for path in left] == names[4:]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names[4:])
