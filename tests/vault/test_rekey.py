"""Who opens a vault: more keys, fewer, other passphrases, new data keys."""

from typing import Any

import pytest

from addons.vault import format as vault_format
from addons.vault.errors import VaultRefused, WrongKey
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET, WORDS, body_of

PHRASE = VaultKey(passphrase=WORDS)
OTHER = VaultKey(raw=bytes(32))


def records(vault: Vault, key: VaultKey) -> dict[tuple[str, str], Any]:
    return {name: record.material for name, record in Vault.open(vault.path, key).records().items()}


def test_another_passphrase_leaves_every_byte_of_the_records(folder: Any) -> None:
    vault = Vault.create(folder / "vault.json", PHRASE, sync=False)
    vault.put("zai", "main", SECRET)
    before = body_of(vault.path)
    new = VaultKey(passphrase="quite another passphrase")
    vault.change_key(new)
    after = body_of(vault.path)
    assert after["records"] == before["records"]
    assert after["slots"][0]["kdf"]["salt"] != before["slots"][0]["kdf"]["salt"]
    assert records(vault, new) == {("zai", "main"): SECRET}
    with pytest.raises(WrongKey):
        Vault.open(vault.path, PHRASE)
    assert sorted(path.name for path in folder.iterdir()) == ["vault.json", "vault.json.lock"]  # no copy is left behind
    vault.put("zai", "main", SECRET)  # the open vault goes on with the new one


@pytest.mark.parametrize("kdf", ["argon2id", "scrypt", "pbkdf2-sha256"])
def test_several_keys_open_the_same_vault(vault: Vault, kdf: str) -> None:
    vault.add_key(PHRASE, kdf=kdf)
    assert body_of(vault.path)["slots"][1]["kdf"]["name"] == kdf
    assert records(vault, PHRASE) == records(vault, RAW) != {}
    Vault.open(vault.path, PHRASE, sync=False).put("zai", "third", SECRET)
    assert vault.get("zai", "third") is not None


def test_a_key_is_added_once(vault: Vault) -> None:
    with pytest.raises(VaultRefused, match="already"):
        vault.add_key(RAW)


def test_there_are_sixteen_keys_at_most(vault: Vault) -> None:
    for number in range(15):
        vault.add_key(VaultKey(raw=bytes([number]) * 32))
    with pytest.raises(VaultRefused, match="16"):
        vault.add_key(VaultKey(raw=b"\xff" * 32))


def test_a_removed_key_opens_no_more(vault: Vault) -> None:
    vault.add_key(OTHER)
    first, second = (slot["id"] for slot in body_of(vault.path)["slots"])
    with pytest.raises(VaultRefused, match="opened by"):
        vault.remove_slot(first)
    with pytest.raises(VaultRefused, match="no key slot"):
        vault.remove_slot("none")
    vault.remove_slot(second)
    with pytest.raises(WrongKey):
        Vault.open(vault.path, OTHER)
    with pytest.raises(VaultRefused):
        vault.remove_slot(first)
    assert records(vault, RAW)


def test_a_new_data_key_makes_everything_anew(vault: Vault) -> None:
    before = body_of(vault.path)
    revs = {name: record.rev for name, record in vault.records().items()}
    held = records(vault, RAW)
    old = vault_format.read(vault.path.read_bytes(), RAW)
    vault.rotate_data_key()
    after = body_of(vault.path)
    new = vault_format.read(vault.path.read_bytes(), RAW)
    assert list(new.ring) == [old.term + 1]
    assert not set(new.ring.values()) & set(old.ring.values())
    assert not set(before["records"]) & set(after["records"])
    assert not {r["ct"] for r in before["records"].values()} & {r["ct"] for r in after["records"].values()}
    assert records(vault, RAW) == held
    assert {name: record.rev for name, record in vault.records().items()} == revs
    assert vault.put("zai", "main", SECRET, expected_rev=revs["zai", "main"])
    assert len(body_of(vault.path)["records"]) == 2


def test_a_new_data_key_wants_the_key_of_every_slot(vault: Vault) -> None:
    vault.add_key(OTHER)
    before = vault.path.read_bytes()
    with pytest.raises(VaultRefused, match=body_of(vault.path)["slots"][1]["id"]):
        vault.rotate_data_key()
    assert vault.path.read_bytes() == before
    vault.rotate_data_key([OTHER])
    assert records(vault, OTHER) == records(vault, RAW) != {}


def test_who_has_the_old_key_reads_nothing_new(vault: Vault) -> None:
    old = vault_format.read(vault.path.read_bytes(), RAW)
    vault.change_key(OTHER)
    vault.rotate_data_key()
    vault.put("zai", "main", {**SECRET, "token": "after the loss"})
    new = vault_format.read(vault.path.read_bytes(), OTHER)
    assert max(old.ring) not in new.ring
    with pytest.raises(WrongKey):
        Vault.open(vault.path, RAW)
