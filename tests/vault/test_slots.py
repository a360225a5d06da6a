"""The slots against their attack list."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from addons.vault import format as vault_format
from addons.vault.encoding import b64, canonical
from addons.vault.errors import VaultDamaged, VaultRefused, VaultVersion, WrongKey
from addons.vault.kdf import new_kdf
from addons.vault.keys import VaultKey
from addons.vault.slots import SLOT_LIMIT, check_slots, new_slot
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET, WORDS


def test_every_single_flipped_bit_is_noticed_with_a_passphrase(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two slots, one of the other kind. A quick stand-in derives: what is refused does not depend on the function."""
    monkeypatch.setattr("addons.vault.keys.derive", lambda words, kdf: hashlib.sha256(words + canonical(kdf)).digest())
    phrase = VaultKey(passphrase=WORDS)
    vault = Vault.create(folder / "vault.json", RAW, sync=False)
    vault.put("zai", "main", SECRET)
    vault.add_key(phrase)
    data = vault.path.read_bytes()
    assert len(list(vault_format.open_records(vault_format.read(data, phrase)))) == 1
    version_at = data.index(b'"version":1') + len(b'"version":')
    for at in range(len(data) * 8):
        bad = bytearray(data)
        bad[at // 8] ^= 1 << (at % 8)
        allowed = (VaultDamaged, WrongKey, VaultVersion) if at // 8 == version_at else (VaultDamaged, WrongKey)
        with pytest.raises(allowed):
            list(vault_format.open_records(vault_format.read(bytes(bad), phrase)))


def test_an_id_is_never_taken_for_an_option_on_a_command_line() -> None:
    drawn = iter([b"\xf8" * 8, b"\xfb" * 8, bytes(8)])

    def random(size: int) -> bytes:
        return next(drawn) if size == 8 else os.urandom(size)

    slot = new_slot(VaultKey(raw=bytes(32)), bytes(16), {1: bytes(32)}, random)
    assert slot["id"] == "AAAAAAAAAAA", "both ids before it begin with a dash"


def slots_of(count: int, **parameters: int) -> list[dict[str, Any]]:
    """Well-formed passphrase slots."""
    found = []
    for number in range(count):
        kdf = {**new_kdf(os.urandom, "argon2id"), **parameters}
        found.append({"id": f"s{number}", "kind": "passphrase", "kdf": kdf, "commit": b64(bytes(16))})
        found[-1] |= {"nonce": b64(bytes(12)), "wrapped": b64(bytes(48))}
    return found


@pytest.mark.parametrize("name", ["argon2id", "scrypt", "pbkdf2-sha256"])
def test_as_many_fresh_slots_as_there_may_be_are_taken(name: str) -> None:
    slots = [slot | {"kdf": new_kdf(os.urandom, name)} for slot in slots_of(SLOT_LIMIT)]
    check_slots(slots)


@pytest.mark.parametrize(
    ("count", "parameters"),
    [(SLOT_LIMIT, {"m_kib": 256 * 1024, "t": 16}), (9, {"m_kib": 128 * 1024, "t": 8}), (2, {"m_kib": 2**20, "t": 5})],
)
def test_what_all_slots_cost_together_is_bounded(
    count: int, parameters: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addons.vault.keys.derive", lambda *_: pytest.fail("the KDF ran"))
    with pytest.raises(VaultDamaged, match="too much together"):
        check_slots(slots_of(count, **parameters))


def test_no_slot_is_added_that_would_make_the_file_too_dear(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.vault.slots.COST_LIMIT", 200)
    monkeypatch.setattr("addons.vault.keys.derive", lambda words, kdf: hashlib.sha256(words + canonical(kdf)).digest())
    vault.add_key(VaultKey(passphrase=WORDS))
    before = vault.path.read_bytes()
    with pytest.raises(VaultRefused, match="too long"):
        vault.add_key(VaultKey(passphrase=WORDS + " again"))
    assert vault.path.read_bytes() == before
