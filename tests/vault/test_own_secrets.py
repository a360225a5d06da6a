"""Values of the gateway's own in the vault: put into vaults of before, kept through every change, no sessions."""

from pathlib import Path

import pytest

from addons.vault.errors import VaultDamaged
from addons.vault.format import Record
from addons.vault.own_secrets import OWN, secret_in
from addons.vault.store import Vault
from tests.vault import independent
from tests.vault.support import RAW, RAW_BYTES
from tests.vault.test_vectors import VECTORS, expected


def test_a_vault_of_before_gets_one_and_keeps_its_sessions(folder: Path) -> None:
    path = folder / "vault.json"
    path.touch(0o600)
    path.write_text(VECTORS["rawkey"]["file"])
    vault = Vault.open(path, RAW)
    before = dict(vault.known)
    made = vault.make_own_secret("managed keys")
    assert dict(vault.known) == before
    read = independent.read(path.read_bytes(), RAW_BYTES.hex())  # as any reader of the format does
    own = read.pop((OWN, "managed keys"))
    assert read == expected(VECTORS["rawkey"])
    assert independent.dec(own["material"]["secret"]) == made
    vault.rotate_data_key()
    assert Vault.open(path, RAW).own_secret("managed keys") == made


def test_a_second_look_writes_nothing(folder: Path) -> None:
    vault = Vault.create(folder / "vault.json", RAW, sync=False)
    made = vault.make_own_secret("a")
    data = vault.path.read_bytes()
    assert vault.make_own_secret("a") == made
    assert vault.path.read_bytes() == data


@pytest.mark.parametrize("material", [{}, {"secret": 3}, {"secret": "AA"}, {"secret": None}], ids=str)
def test_what_is_no_value_is_damage(material: dict[str, object]) -> None:
    with pytest.raises(VaultDamaged):
        secret_in(Record(OWN, "a", 1, 1, material))
