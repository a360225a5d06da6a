"""The vault against its attack list: whatever is done to the file, no wrong secret ever comes out of it."""

import json
import multiprocessing
import os
import pickle
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addons.vault import format as vault_format
from addons.vault import store
from addons.vault.encoding import b64, canonical
from addons.vault.errors import (
    VaultConflict,
    VaultDamaged,
    VaultError,
    VaultLocked,
    VaultMissing,
    VaultPermissions,
    VaultVersion,
    WrongKey,
)
from addons.vault.format import Document
from addons.vault.kdf import new_kdf
from addons.vault.keys import VaultKey, load_key
from addons.vault.store import Vault

RAW = VaultKey(raw=bytes(range(32)))
SECRET = {"token": "the-secret-token", "cookies": {"a": "b"}, "headers": {}, "api_key": None}


def noise() -> Any:
    """A stand-in for os.urandom that repeats nothing and is the same at each run."""
    state = iter(range(1, 10**6))
    return lambda size: next(state).to_bytes(4, "big") * (size // 4) + bytes(size % 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sessions"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def vault(folder: Path) -> Vault:
    made = Vault.create(folder / "vault.json", RAW, random=noise(), now=lambda: 1_700_000_000, sync=False)
    made.put("zai", "main", SECRET)
    made.put("qwen", "second", {**SECRET, "token": "another-token"})
    return made


def test_what_was_put_in_comes_out_in_another_process_too(vault: Vault) -> None:
    found = Vault.open(vault.path, RAW).get("zai", "main")
    assert found is not None
    assert found.material == SECRET
    assert (found.rev, found.updated) == (1, 1_700_000_000)
    assert Vault.open(vault.path, RAW).get("zai", "other") is None


def test_neither_secrets_nor_account_names_stand_in_the_file(vault: Vault) -> None:
    text = vault.path.read_text()
    assert not any(word in text for word in ("the-secret-token", "another-token", "second", "main"))


def test_every_single_flipped_bit_is_noticed(vault: Vault) -> None:
    data = vault.path.read_bytes()
    for at in range(len(data) * 8):
        bad = bytearray(data)
        bad[at // 8] ^= 1 << (at % 8)
        with pytest.raises((VaultDamaged, WrongKey, VaultVersion)):
            vault_format.read(bytes(bad), RAW)


def test_every_length_but_the_right_one_is_noticed(vault: Vault) -> None:
    data = vault.path.read_bytes()
    for size in range(len(data)):
        with pytest.raises(VaultDamaged):
            vault_format.read(data[:size], RAW)
    for more in (b"\n", b" ", b"{}", data):
        with pytest.raises(VaultDamaged):
            vault_format.read(data + more, RAW)


def edited(vault: Vault, change: Any) -> bytes:
    body = json.loads(vault.path.read_text())
    change(body)
    return canonical(body) + b"\n"


def two(body: dict[str, Any]) -> tuple[str, str]:
    first, second = body["records"]
    return first, second


def swap_ciphertexts(body: dict[str, Any]) -> None:
    a, b = two(body)
    records = body["records"]
    records[a]["ct"], records[b]["ct"] = records[b]["ct"], records[a]["ct"]


def copy_to_another_id(body: dict[str, Any]) -> None:
    a, b = two(body)
    body["records"][b] = dict(body["records"][a])


def relabel(body: dict[str, Any]) -> None:
    a, b = two(body)
    body["records"][a]["provider"] = body["records"][b]["provider"]


def delete_one(body: dict[str, Any]) -> None:
    del body["records"][two(body)[0]]


def duplicate_slot(body: dict[str, Any]) -> None:
    body["slots"] *= 2


def next_generation(body: dict[str, Any]) -> None:
    body["generation"] += 1


def short_nonce(body: dict[str, Any]) -> None:
    body["records"][two(body)[0]]["nonce"] = b64(bytes(8))


def long_nonce(body: dict[str, Any]) -> None:
    body["slots"][0]["nonce"] = b64(bytes(16))


def padded(body: dict[str, Any]) -> None:
    body["vault_id"] += "="


def foreign_key(body: dict[str, Any]) -> None:
    body["more"] = 1


@pytest.mark.parametrize(
    "change",
    [
        swap_ciphertexts,
        copy_to_another_id,
        relabel,
        delete_one,
        duplicate_slot,
        next_generation,
        short_nonce,
        long_nonce,
        padded,
        foreign_key,
    ],
)
def test_edited_files_are_damaged(vault: Vault, change: Any) -> None:
    with pytest.raises(VaultDamaged):
        vault_format.read(edited(vault, change), RAW)


def test_an_edit_with_the_seal_made_anew_is_still_caught_by_the_record(vault: Vault) -> None:
    document = vault_format.read(vault.path.read_bytes(), RAW)
    body = {key: dict(value) for key, value in document.sealed.items()}
    a, b = body
    body[a]["ct"], body[b]["ct"] = body[b]["ct"], body[a]["ct"]
    swapped = Document(document.vault_id, document.created, document.generation, document.slots, body, document.ring)
    again = vault_format.read(vault_format.write(swapped), RAW)
    with pytest.raises(VaultDamaged, match="record"):
        vault_format.open_record(again, a)


def test_an_older_revision_of_one_record_is_noticed(vault: Vault) -> None:
    before = json.loads(vault.path.read_text())
    vault.put("zai", "main", {**SECRET, "token": "newer-token"})

    def put_back(body: dict[str, Any]) -> None:
        for record_id, record in before["records"].items():
            if body["records"][record_id] != record:
                body["records"][record_id] = record

    with pytest.raises(VaultDamaged, match="seal"):
        vault_format.read(edited(vault, put_back), RAW)


def test_slots_of_another_vault_do_not_open_this_one(vault: Vault, folder: Path) -> None:
    other = Vault.create(folder / "other.json", RAW, sync=False)
    slots = json.loads(other.path.read_text())["slots"]
    with pytest.raises((WrongKey, VaultDamaged)):
        vault_format.read(edited(vault, lambda body: body.update(slots=slots)), RAW)


@pytest.mark.parametrize("text", ["", "   ", "short"])
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(VaultLocked):
        VaultKey.from_text(text)


@pytest.mark.parametrize("raw", [bytes(32), bytes(31) + b"\x01"])
def test_another_raw_key_is_the_wrong_one(vault: Vault, raw: bytes) -> None:
    with pytest.raises(WrongKey):
        Vault.open(vault.path, VaultKey(raw=raw))


@pytest.mark.parametrize(
    "text",
    [
        bytes(range(32)).hex(),
        bytes(range(32)).hex().upper(),
        b64(bytes(range(32))),
        b64(bytes(range(32))) + "=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ],
)
def test_all_spellings_of_a_raw_key_open(vault: Vault, text: str) -> None:
    assert Vault.open(vault.path, VaultKey.from_text(text)).get("zai", "main")


def test_31_and_33_bytes_are_passphrases_not_keys() -> None:
    for size in (31, 33):
        assert VaultKey.from_text(bytes(size).hex()).kind == "passphrase"


def test_a_passphrase_opens_in_either_unicode_form(folder: Path) -> None:
    words = "Schlüssel für später"
    made = Vault.create(folder / "p.json", VaultKey.from_text(unicodedata.normalize("NFC", words)), sync=False)
    Vault.open(made.path, VaultKey.from_text(unicodedata.normalize("NFD", words)))
    with pytest.raises(WrongKey):
        Vault.open(made.path, VaultKey.from_text(words + "!"))
    assert json.loads(made.path.read_text())["slots"][0]["kdf"]["name"] == "argon2id"


@pytest.mark.parametrize(
    ("name", "value"), [("m_kib", 2**31), ("t", 10**6), ("p", 1000), ("m_kib", 8), ("t", 1), ("t", True), ("t", "3")]
)
def test_kdf_bombs_and_weak_kdfs_are_refused_before_deriving(name: str, value: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("addons.vault.keys.derive", lambda *a: pytest.fail("the KDF ran"))
    kdf = {**new_kdf(os.urandom), name: value}
    with pytest.raises(VaultDamaged, match="kdf"):
        VaultKey(passphrase="a long passphrase").kek(bytes(16), kdf)


@pytest.mark.parametrize("name", ["argon2id", "scrypt", "pbkdf2-sha256"])
def test_every_kdf_derives(name: str) -> None:
    key = VaultKey(passphrase="a long passphrase")
    kdf = new_kdf(noise(), name)
    assert len(key.kek(bytes(16), kdf)) == 32
    assert key.kek(bytes(16), kdf) == key.kek(bytes(16), kdf)


def test_a_newer_format_is_named_and_not_written_over(vault: Vault) -> None:
    newer = edited(vault, lambda body: body.update(version=2))
    vault.path.write_bytes(newer)
    with pytest.raises(VaultVersion):
        vault.put("zai", "main", SECRET)
    assert vault.path.read_bytes() == newer


# -- writing ----------------------------------------------------------------------------------------------------------
def test_compare_and_swap(vault: Vault) -> None:
    with pytest.raises(VaultConflict):
        vault.put("zai", "main", SECRET, expected_rev=7)
    with pytest.raises(VaultConflict):
        vault.put("zai", "main", SECRET, expected_rev=0)
    assert vault.put("zai", "main", SECRET, expected_rev=1).rev == 2
    assert vault.put("zai", "new", SECRET, expected_rev=0).rev == 1


def test_removing(vault: Vault) -> None:
    assert vault.remove("zai", "main")
    assert not vault.remove("zai", "main")
    assert [r.provider for r in Vault.open(vault.path, RAW).records().values()] == ["qwen"]


def test_the_same_session_twice_looks_different(vault: Vault) -> None:
    def texts() -> set[str]:
        return {r["ct"] for r in json.loads(vault.path.read_text())["records"].values()}

    before = texts()
    vault.put("zai", "main", SECRET)
    assert len(texts() - before) == 1


def test_a_vault_is_not_made_over_a_file(vault: Vault) -> None:
    with pytest.raises(VaultConflict):
        Vault.create(vault.path, RAW)


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_rest(vault: Vault, step: str, monkeypatch: Any) -> None:
    before = vault.path.read_bytes()
    durable = Vault.open(vault.path, RAW)

    def full(*args: Any, **more: Any) -> Any:
        raise OSError(28, "No space left on device")

    if step == "open":
        real = os.open
        monkeypatch.setattr(os, "open", lambda path, flags, *m: full() if flags & os.O_EXCL else real(path, flags, *m))
    elif step == "write":
        monkeypatch.setattr(store.Vault, "_write", full)
    else:
        monkeypatch.setattr(os, step, full)
    with pytest.raises(VaultError, match="No space left"):
        durable.put("zai", "main", {**SECRET, "token": "never stored"})
    monkeypatch.undo()
    assert vault.path.read_bytes() == before
    assert not list(vault.path.parent.glob(".*.tmp"))


def test_rests_of_killed_writers_are_swept_when_they_are_old(vault: Vault) -> None:
    old, fresh = (vault.path.with_name(f".{vault.path.name}.{name}.tmp") for name in ("old", "fresh"))
    for path, age in ((old, 7200), (fresh, 60)):
        path.write_text("rest")
        os.utime(path, (1_700_000_000 - age,) * 2)
    vault.put("zai", "main", SECRET)
    assert not old.exists()
    assert fresh.exists()


def _writer(path: Path, name: str, times: int) -> None:
    vault = Vault.open(path, RAW, sync=False)
    for _ in range(times):
        vault.put("zai", name, SECRET)


def test_writers_in_many_processes_lose_nothing(vault: Vault) -> None:
    before = vault_format.read(vault.path.read_bytes(), RAW).generation
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_writer, args=(vault.path, f"account-{n % 2}", 10)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert vault_format.read(vault.path.read_bytes(), RAW).generation == before + 40
    records = vault.records()
    assert records[("zai", "account-0")].rev == records[("zai", "account-1")].rev == 20


# -- reading while it runs --------------------------------------------------------------------------------------------
def test_a_changed_file_is_taken_up(vault: Vault) -> None:
    reader = Vault.open(vault.path, RAW)
    vault.put("zai", "main", {**SECRET, "token": "newer"})
    found = reader.get("zai", "main")
    assert found is not None
    assert found.material["token"] == "newer"


def test_a_damaged_file_does_not_take_the_known_sessions_away(vault: Vault) -> None:
    good = vault.path.read_bytes()
    vault.path.write_bytes(good[:-20])
    assert vault.get("zai", "main") is not None
    assert isinstance(vault.problem, VaultDamaged)
    with pytest.raises(VaultDamaged):
        vault.put("zai", "main", SECRET)
    vault.path.write_bytes(good)
    vault.records()
    assert vault.problem is None


# -- the file's place -------------------------------------------------------------------------------------------------
def test_modes_are_private(vault: Vault) -> None:
    assert vault.path.stat().st_mode & 0o777 == 0o600
    assert vault.path.with_name("vault.json.lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("place", "mode", "advice"), [("file", 0o644, "chmod 600"), ("folder", 0o755, "chmod 700")])
def test_open_modes_are_refused_with_the_cure(vault: Vault, place: str, mode: int, advice: str) -> None:
    (vault.path if place == "file" else vault.path.parent).chmod(mode)
    with pytest.raises(VaultPermissions, match=advice):
        Vault.open(vault.path, RAW)


def links(vault: Vault) -> Iterator[tuple[str, Path]]:
    real = vault.path.with_name("real.json")
    os.rename(vault.path, real)
    vault.path.symlink_to(real)
    yield "symlink", vault.path
    vault.path.unlink()
    os.link(real, vault.path)
    yield "hard link", vault.path
    vault.path.unlink()
    os.mkfifo(vault.path, 0o600)
    yield "fifo", vault.path
    vault.path.unlink()
    vault.path.mkdir(mode=0o700)
    yield "folder", vault.path


def test_nothing_but_a_plain_file_is_opened(vault: Vault) -> None:
    for kind, path in links(vault):
        with pytest.raises(VaultPermissions):
            Vault.open(path, RAW)
        assert kind


def test_a_linked_lock_is_refused(vault: Vault, tmp_path: Path) -> None:
    lock = vault.path.with_name("vault.json.lock")
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultPermissions):
        vault.put("zai", "main", SECRET)
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_vault_is_named(folder: Path) -> None:
    with pytest.raises(VaultMissing):
        Vault.open(folder / "none.json", RAW)


# -- keys -------------------------------------------------------------------------------------------------------------
def test_the_environment_key_is_taken_out_of_the_environment() -> None:
    environ = {"SESSION_ENCRYPTION_KEY": bytes(32).hex()}
    assert load_key("env", environ=environ).kind == "rawkey"
    assert environ == {}
    with pytest.raises(VaultLocked, match="SESSION_ENCRYPTION_KEY"):
        load_key("env", environ=environ)


def test_a_key_file_must_be_private(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(bytes(32).hex() + "\n")
    file.chmod(0o644)
    with pytest.raises(VaultPermissions):
        load_key("file", environ={}, key_file=file)
    file.chmod(0o600)
    assert load_key("file", environ={}, key_file=file).kind == "rawkey"


def test_keys_and_records_show_nothing(vault: Vault) -> None:
    record = vault.get("zai", "main")
    document = vault_format.read(vault.path.read_bytes(), RAW)
    shown = f"{record!r} {vault!r} {document!r} {RAW!r} {VaultKey(passphrase='open sesame, please')}"
    assert "the-secret-token" not in shown
    assert "sesame" not in shown
    assert repr(document.ring[1]) not in shown
    with pytest.raises(TypeError):
        pickle.dumps(RAW)
