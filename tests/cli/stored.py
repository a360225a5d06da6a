"""What a command has left in the vault."""

from pathlib import Path
from typing import Any

from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.cli.conftest import KEY


def stored(house: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The secrets by provider and account; none where there is no vault."""
    if not (house / "vault" / "v.json").exists():
        return {}
    vault = Vault.open(house / "vault" / "v.json", VaultKey.from_text(KEY))
    return {key: dict(record.material) for key, record in vault.records().items()}
