"""The file against its attack list: whatever is done to it, no wrong secret ever comes out."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addons.vault import format as vault_format
from addons.vault.encoding import b64, canonical, framed
from addons.vault.errors import VaultDamaged, VaultError, VaultRefused, VaultVersion, WrongKey
from addons.vault.format import Document, Record
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET, body_of, edited, noise

Body = dict[str, Any]


def opened(data: bytes, key: VaultKey = RAW) -> list[Record]:
    """Everything in the file, as the store takes it."""
    return list(vault_format.open_records(vault_format.read(data, key)))


def test_every_single_flipped_bit_is_noticed(vault: Vault) -> None:
    data = vault.path.read_bytes()
    version_at = data.index(b'"version":1') + len(b'"version":')
    for at in range(len(data) * 8):
        bad = bytearray(data)
        bad[at // 8] ^= 1 << (at % 8)
        with pytest.raises(VaultError) as caught:
            opened(bytes(bad))
        allowed = (VaultDamaged, WrongKey, VaultVersion) if at // 8 == version_at else (VaultDamaged, WrongKey)
        assert type(caught.value) in allowed, f"bit {at}: {caught.value!r}"


def test_a_flipped_bit_of_records_is_damage_and_not_a_wrong_key(vault: Vault) -> None:
    data = vault.path.read_bytes()
    start, end = data.index(b'"records"'), data.index(b'"slots"')
    for at in range(start * 8, end * 8):
        bad = bytearray(data)
        bad[at // 8] ^= 1 << (at % 8)
        with pytest.raises(VaultDamaged):
            opened(bytes(bad))


def test_every_length_but_the_right_one_is_noticed(vault: Vault) -> None:
    data = vault.path.read_bytes()
    for size in range(len(data)):
        with pytest.raises(VaultDamaged):
            opened(data[:size])


@pytest.mark.parametrize("more", [b"\n", b" ", b"{}", b"\0", b"x"], ids=repr)
def test_appended_bytes_are_noticed(vault: Vault, more: bytes) -> None:
    with pytest.raises(VaultDamaged):
        opened(vault.path.read_bytes() + more)
    with pytest.raises(VaultDamaged):
        opened(vault.path.read_bytes() * 2)


# -- edits by somebody without the key ---------------------------------------------------------------------------------
def first(body: Body) -> Body:
    record: Body = next(iter(body["records"].values()))
    return record


def swap_ciphertexts(body: Body) -> None:
    one, other = body["records"].values()
    one["ct"], other["ct"] = other["ct"], one["ct"]


def copy_to_another_id(body: Body) -> None:
    one, other = body["records"]
    body["records"][other] = body["records"][one]


def copy_to_a_new_id(body: Body) -> None:
    body["records"][b64(bytes(16))] = first(body)


def swap_providers(body: Body) -> None:
    one, other = body["records"].values()
    one["provider"], other["provider"] = other["provider"], one["provider"]


def delete_one(body: Body) -> None:
    del body["records"][next(iter(body["records"]))]


def older_kdf(body: Body) -> None:
    body["slots"][0]["kind"] = "passphrase"
    body["slots"][0]["kdf"] = {"name": "pbkdf2-sha256", "rounds": 1000, "salt": b64(bytes(16))}


EDITS: dict[str, Callable[[Body], Any]] = {
    "swap ciphertexts": swap_ciphertexts,
    "copy a record to another id": copy_to_another_id,
    "copy a record to a new id": copy_to_a_new_id,
    "swap provider labels": swap_providers,
    "delete a record": delete_one,
    "delete all records": lambda body: body["records"].clear(),
    "duplicate a slot": lambda body: body["slots"].append(body["slots"][0]),
    "duplicate a slot under a new id": lambda body: body["slots"].append({**body["slots"][0], "id": "new"}),
    "no slots": lambda body: body["slots"].clear(),
    "17 slots": lambda body: body.update(slots=[{**body["slots"][0], "id": str(n)} for n in range(17)]),
    "kdf downgrade": older_kdf,
    "slot of an unknown kind": lambda body: body["slots"][0].update(kind="keyring"),
    "next generation": lambda body: body.update(generation=body["generation"] + 1),
    "generation that is no count": lambda body: body.update(generation=1.0),
    "generation true": lambda body: body.update(generation=True),
    "later updated": lambda body: first(body).update(updated=1_800_000_000),
    "other revision": lambda body: first(body).update(rev=9),
    "other term": lambda body: first(body).update(term=2),
    "nonce of 8 bytes": lambda body: first(body).update(nonce=b64(bytes(8))),
    "nonce of 16 bytes": lambda body: first(body).update(nonce=b64(bytes(16))),
    "slot nonce of 16 bytes": lambda body: body["slots"][0].update(nonce=b64(bytes(16))),
    "empty ciphertext": lambda body: first(body).update(ct=""),
    "padded base64": lambda body: body.update(vault_id=body["vault_id"] + "=="),
    "unused base64 bits": lambda body: body.update(vault_id=body["vault_id"][:-1] + "B"),
    "base64 of the other alphabet": lambda body: first(body).update(ct="+" + first(body)["ct"][1:]),
    "base64 with a line feed": lambda body: first(body).update(ct=first(body)["ct"] + "\n"),
    "base64 that is a number": lambda body: first(body).update(ct=7),
    "record id that is none": lambda body: body["records"].update({"../x": first(body)}),
    "more in the header": lambda body: body.update(more=1),
    "less in the header": lambda body: body.pop("created"),
    "more in a record": lambda body: first(body).update(more=1),
    "less in a slot": lambda body: body["slots"][0].pop("commit"),
    "no seal": lambda body: body.pop("seal"),
    "short seal": lambda body: body.update(seal=b64(bytes(16))),
    "version 0": lambda body: body.update(version=0),
    "version as text": lambda body: body.update(version="1"),
    "another format": lambda body: body.update(format="gateway-vaults"),
    "records as a list": lambda body: body.update(records=[]),
    "slots as an object": lambda body: body.update(slots={}),
}


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS)
def test_edited_files_are_damaged(vault: Vault, change: Callable[[Body], Any]) -> None:
    data = edited(vault.path, change)
    assert data != vault.path.read_bytes()
    with pytest.raises(VaultDamaged):
        opened(data)


def test_a_key_written_twice_is_damage(vault: Vault) -> None:
    data = vault.path.read_bytes()
    for twice in (b'"created":1700000000,', b'"version":1'):
        assert twice in data
        bad = data.replace(twice, twice.rstrip(b",") + b"," + twice)
        with pytest.raises(VaultDamaged):
            opened(bad)


def test_an_older_revision_of_one_record_is_noticed(vault: Vault) -> None:
    before = body_of(vault.path)["records"]
    vault.put("zai", "main", {**SECRET, "token": "newer-token"})
    with pytest.raises(VaultDamaged, match="seal"):
        opened(edited(vault.path, lambda body: body["records"].update(before)))


def test_generations_cannot_be_mixed(vault: Vault) -> None:
    old = body_of(vault.path)
    vault.put("zai", "main", SECRET)
    for name in ("generation", "records", "seal"):
        part = {name: old[name]}
        mixed = canonical({**body_of(vault.path), **part}) + b"\n"
        with pytest.raises(VaultDamaged, match="seal"):
            opened(mixed)


@pytest.mark.parametrize("parts", [("slots",), ("slots", "vault_id"), ("records",), ("slots", "vault_id", "seal")])
def test_parts_of_another_vault_of_the_same_key_do_not_fit(vault: Vault, folder: Path, parts: tuple[str, ...]) -> None:
    other = Vault.create(folder / "other.json", RAW, sync=False)
    other.put("zai", "main", SECRET)
    taken = {name: body_of(other.path)[name] for name in parts}
    with pytest.raises((WrongKey, VaultDamaged)):
        opened(edited(vault.path, lambda body: body.update(taken)))


def test_slots_of_another_vault_of_the_same_passphrase_do_not_fit(folder: Path) -> None:
    key = VaultKey(passphrase="the same words for both")
    one, other = (Vault.create(folder / f"{name}.json", key, sync=False) for name in ("one", "other"))
    slots = body_of(other.path)["slots"]
    with pytest.raises(VaultDamaged, match="slot"):
        opened(edited(one.path, lambda body: body.update(slots=slots)), key)


@pytest.mark.parametrize("version", [2, 3, 10**6])
def test_a_newer_format_is_named(vault: Vault, version: int) -> None:
    with pytest.raises(VaultVersion, match=str(version)):
        opened(edited(vault.path, lambda body: body.update(version=version)))


# -- edits with the data key: what the seal alone would let through ----------------------------------------------------
def resealed(document: Document, sealed: dict[str, Any]) -> bytes:
    return vault_format.write(
        Document(document.vault_id, document.created, document.generation, document.slots, sealed, document.ring)
    )


def test_a_record_is_bound_to_its_place_also_without_the_seal(vault: Vault) -> None:
    document = vault_format.read(vault.path.read_bytes(), RAW)
    one, other = document.sealed
    for name in ("ct", "provider", "rev", "nonce"):
        sealed = {key: dict(value) for key, value in document.sealed.items()}
        sealed[one][name], sealed[other][name] = sealed[other][name], sealed[one][name]
        with pytest.raises(VaultDamaged, match="record"):
            opened(resealed(document, sealed))


@pytest.mark.parametrize(
    ("name", "value"),
    [("rev", True), ("rev", 1.0), ("term", True), ("nonce", "A"), ("ct", "A"), ("ct", 7), ("provider", None)],
)
def test_a_record_that_is_known_is_judged_all_the_same(vault: Vault, name: str, value: Any) -> None:
    """What stood there before is 1, and to Python so are True and 1.0."""
    document = vault_format.read(vault.path.read_bytes(), RAW)
    sealed = {key: dict(record) for key, record in document.sealed.items()}
    first = next(iter(sealed))
    assert (sealed[first]["rev"], sealed[first]["term"]) == (1, 1)
    sealed[first][name] = value
    with pytest.raises(VaultDamaged, match=f"record {first}"):
        vault_format.read(resealed(document, sealed), RAW, vault_format.open_all(document))


def test_one_account_cannot_stand_under_two_ids(vault: Vault) -> None:
    document = vault_format.read(vault.path.read_bytes(), RAW)
    name, nonce = b64(bytes(16)), bytes(12)
    aad = framed("gateway-vault/rec", 1, document.vault_id, name, "zai", 1, 1)  # sound in itself, at a place of its own
    sealed = AESGCM(document.ring[1]).encrypt(nonce, canonical({"account": "main", "material": SECRET}), aad)
    record = {"provider": "zai", "rev": 1, "term": 1, "nonce": b64(nonce), "ct": b64(sealed), "updated": 1}
    with pytest.raises(VaultDamaged, match=f"record {name}"):
        opened(resealed(document, {**document.sealed, name: record}))


def test_slots_have_ids_of_their_own(vault: Vault) -> None:
    document = vault_format.read(vault.path.read_bytes(), RAW)
    twice = replace(document, slots=document.slots * 2)
    with pytest.raises(VaultDamaged, match="one id"):
        opened(vault_format.write(twice))


# -- what may be stored ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "material",
    [
        {"token": "\ud800"},
        {"expires": float("nan")},
        {"expires": float("inf")},
        {"token": b"bytes"},
        {1: "a", "b": "c"},
        {"token": "x" * (1024 * 1024)},
        {"deep": [[[[[[[[[[[[]]]]]]]]]]]]},
    ],
    ids=["half a character", "nan", "infinity", "bytes", "mixed keys", "over 1 MiB", "deep"],
)
def test_what_could_not_be_read_back_is_refused(vault: Vault, material: dict[str, Any]) -> None:
    before = vault.path.read_bytes()
    with pytest.raises(VaultRefused) as caught:
        vault.put("zai", "main", material)
    assert caught.value.__context__ is None  # where an encoding error would carry the session along
    assert vault.path.read_bytes() == before


@pytest.mark.parametrize("text", ["[" * 100, '{"' * 50, '\\"[[[' * 9, "ü\u2028\x7f\t\0 \U0001f511", '"'], ids=ascii)
def test_any_text_can_be_stored(vault: Vault, text: str) -> None:
    vault.put("zai", "main", {"token": text, "cookies": {text: text}})
    record = Vault.open(vault.path, RAW).get("zai", "main")
    assert record is not None
    assert record.material == {"token": text, "cookies": {text: text}}


def test_a_vault_over_the_size_limit_is_not_written() -> None:
    document = vault_format.new_document(RAW, noise(), 0)
    for number in range(12):
        document = vault_format.with_record(document, Record("zai", str(number), 1, 1, {"t": "x" * 10**6}), noise())
    assert len(vault_format.write(document)) < 2**24
    document = vault_format.with_record(document, Record("zai", "more", 1, 1, {"t": "x" * 10**6}), noise())
    with pytest.raises(VaultRefused, match="16 MiB"):
        vault_format.write(document)


def test_the_same_session_twice_looks_different(vault: Vault) -> None:
    def looks() -> set[tuple[str, str]]:
        return {(r["ct"], r["nonce"]) for r in body_of(vault.path)["records"].values()}

    before = looks()
    vault.put("zai", "main", SECRET)
    (new,) = looks() - before
    assert all(new[0] != ct and new[1] != nonce for ct, nonce in before)


def test_neither_secrets_nor_account_names_stand_in_the_file(vault: Vault) -> None:
    text = vault.path.read_text()
    assert not any(word in text for word in ("the-secret-token", "another-token", "second", "main"))


def test_the_file_is_canonical_json_with_a_line_end(vault: Vault) -> None:
    data = vault.path.read_bytes()
    assert canonical(json.loads(data)) + b"\n" == data
