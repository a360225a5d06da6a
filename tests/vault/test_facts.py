"""What may be told of an opened vault, and that it is no secret."""

from pathlib import Path

import pytest

from addons.vault.errors import VaultDamaged
from addons.vault.facts import RecordFacts, facts_of
from addons.vault.format import Document, read
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.vault.support import RAW, WORDS, noise


def opened(vault: Vault, key: VaultKey = RAW) -> Document:
    return read(vault.path.read_bytes(), key)


def test_sessions_are_told_by_name_in_order(vault: Vault) -> None:
    vault.put("alpha", "b", {"token": "x-0123456789"})
    facts = facts_of(opened(vault), RAW)
    assert facts.records == (
        RecordFacts("alpha", "b", 3, 1_700_000_000),
        RecordFacts("qwen", "second", 2, 1_700_000_000),
        RecordFacts("zai", "main", 1, 1_700_000_000),
    )
    assert (facts.created, facts.generation, facts.term) == (1_700_000_000, 4, 1)
    assert len(facts.vault_id) == 32


def test_nothing_secret_is_told(vault: Vault) -> None:
    text = repr(facts_of(opened(vault), RAW))
    for secret in ("the-secret-token", "another-token", bytes(range(32)).hex()):
        assert secret not in text


def test_of_the_keys_the_one_that_opened_it_is_told_apart(folder: Path) -> None:
    words = VaultKey.from_text(WORDS)
    vault = Vault.create(folder / "v.json", RAW, random=noise(), now=lambda: 1, sync=False)
    vault.add_key(words, kdf="pbkdf2-sha256")
    for key, held in ((RAW, [True, False]), (words, [False, True])):
        slots = facts_of(opened(vault, key), key).slots
        assert [slot.opened_by_this_key for slot in slots] == held
        raw, derived = slots
        assert (raw.kdf, raw.weak) == (None, False)
        assert derived.kdf is not None
        assert derived.kdf["name"] == "pbkdf2-sha256"
        assert "salt" not in derived.kdf
        assert not derived.weak
        assert raw.id != derived.id


def test_cheap_parameters_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.vault.facts.is_weak", lambda kdf: True)
    vault = Vault.create(folder / "v.json", RAW, random=noise(), sync=False)
    vault.add_key(VaultKey.from_text(WORDS), kdf="pbkdf2-sha256")
    assert [slot.weak for slot in facts_of(opened(vault), RAW).slots] == [False, True]


def test_a_record_that_cannot_be_opened_is_damage(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(document: Document) -> None:
        raise VaultDamaged("record 0")

    monkeypatch.setattr("addons.vault.facts.open_records", spoilt)
    with pytest.raises(VaultDamaged):
        facts_of(opened(vault), RAW)
