"""The slots against their attack list."""

import hashlib
import os
from pathlib import Path

import pytest

from addons.vault import format as vault_format
from addons.vault.encoding import canonical
from addons.vault.errors import VaultDamaged, VaultVersion, WrongKey
from addons.vault.keys import VaultKey
from addons.vault.slots import new_slot
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
