from pathlib import Path

import pytest

from addons.vault.store import Vault
from tests.support.private_files import private_folder
from tests.vault.support import RAW, SECRET, noise


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "sessions")


@pytest.fixture
def vault(folder: Path) -> Vault:
    """A vault with two sessions: zai/main at revision 1, qwen/second at revision 2."""
    made = Vault.create(folder / "vault.json", RAW, random=noise(), now=lambda: 1_700_000_000, sync=False)
    made.put("zai", "main", SECRET)
    made.put("qwen", "second", {**SECRET, "token": "another-token"})
    return made
