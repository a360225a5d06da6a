"""The vault document: pure functions between bytes and records. docs/vault-format.md is its specification.

slots     each wraps the same ring of data keys under a key-encryption key of its own
records   one sealed session each, bound to vault, id, provider, key term and revision
seal      HMAC over the whole, so that nothing can be left out, put in, or taken from another generation
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addons.vault.encoding import b64, canonical, framed, parse_canonical, unb64
from addons.vault.errors import VaultDamaged, VaultVersion, WrongKey
from addons.vault.keys import VaultKey, checked_kdf, hkdf, new_kdf

FORMAT: Final = "gateway-vault"
VERSION: Final = 1
_TOP: Final = {"format", "version", "vault_id", "created", "generation", "slots", "records", "seal"}
_SLOT: Final = {"id", "kind", "kdf", "commit", "nonce", "wrapped"}
_RECORD: Final = {"provider", "rev", "term", "nonce", "ct", "updated"}

type Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """One account's session. `updated` in unix seconds; `rev` counts its writes from 1."""

    provider: str
    account: str
    rev: int
    updated: int
    material: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """An opened vault. `ring` holds the data keys by term; the highest term is in use."""

    vault_id: bytes
    created: int
    generation: int
    slots: tuple[Mapping[str, Any], ...]
    sealed: Mapping[str, Mapping[str, Any]]
    """Record id → the record as it stands in the file."""
    ring: Mapping[int, bytes] = field(repr=False)

    @property
    def term(self) -> int:
        return max(self.ring)


def new_document(key: VaultKey, random: Random, now: int) -> Document:
    """An empty vault that `key` opens."""
    vault_id = random(16)
    ring = {1: random(32)}
    slot = new_slot(key, vault_id, ring, random)
    return Document(vault_id, now, 0, (slot,), {}, ring)


def new_slot(key: VaultKey, vault_id: bytes, ring: Mapping[int, bytes], random: Random) -> dict[str, Any]:
    """The ring wrapped for `key`."""
    kdf = new_kdf(random) if key.kind == "passphrase" else None
    kek = key.kek(vault_id, kdf)
    slot_id, nonce = b64(random(8)), random(12)
    plain = canonical({str(term): b64(value) for term, value in ring.items()})
    wrapped = AESGCM(kek).encrypt(nonce, plain, _slot_aad(vault_id, slot_id, key.kind, kdf))
    return {
        "id": slot_id,
        "kind": key.kind,
        "kdf": kdf,
        "commit": b64(_commit(kek)),
        "nonce": b64(nonce),
        "wrapped": b64(wrapped),
    }


def write(document: Document) -> bytes:
    """The document's file."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "vault_id": b64(document.vault_id),
        "created": document.created,
        "generation": document.generation,
        "slots": list(document.slots),
        "records": dict(document.sealed),
    }
    body["seal"] = b64(_seal(document, body))
    return canonical(body) + b"\n"


def read(data: bytes, key: VaultKey) -> Document:
    """The opened document. Raises VaultDamaged, VaultVersion or WrongKey; never gives a part of it."""
    body = parse_canonical(data)
    _check_shape(body)
    vault_id = unb64(body["vault_id"], "vault_id", 16)
    ring = _open_ring(body["slots"], vault_id, key)
    records = body["records"]
    document = Document(vault_id, body["created"], body["generation"], tuple(body["slots"]), records, ring)
    seal = unb64(body.pop("seal"), "seal", 32)
    if not hmac.compare_digest(seal, _seal(document, body)):
        raise VaultDamaged("seal")
    return document


def open_record(document: Document, record_id: str) -> Record:
    """The record in clear. Raises VaultDamaged(record …)."""
    sealed = document.sealed[record_id]
    where = f"record {record_id}"
    dek = document.ring.get(sealed["term"])
    if dek is None:
        raise VaultDamaged(where)
    aad = _record_aad(document.vault_id, record_id, sealed["provider"], sealed["term"], sealed["rev"])
    try:
        plain = AESGCM(dek).decrypt(unb64(sealed["nonce"], where, 12), unb64(sealed["ct"], where), aad)
    except InvalidTag:
        raise VaultDamaged(where) from None
    value = parse_canonical(plain + b"\n")
    return Record(sealed["provider"], value["account"], sealed["rev"], sealed["updated"], value["material"])


def with_record(document: Document, record_id: str, record: Record, random: Random) -> Document:
    """The document with this record put in (or put anew) under the current key."""
    nonce, term = random(12), document.term
    plain = canonical({"account": record.account, "material": record.material})
    aad = _record_aad(document.vault_id, record_id, record.provider, term, record.rev)
    sealed = {
        "provider": record.provider,
        "rev": record.rev,
        "term": term,
        "nonce": b64(nonce),
        "ct": b64(AESGCM(document.ring[term]).encrypt(nonce, plain, aad)),
        "updated": record.updated,
    }
    return replace(document, sealed={**document.sealed, record_id: sealed})


def without_record(document: Document, record_id: str) -> Document:
    return replace(document, sealed={key: value for key, value in document.sealed.items() if key != record_id})


# -- details ------------------------------------------------------------------------------------------------------
def _commit(kek: bytes) -> bytes:
    return hkdf(kek, "commit")[:16]


def _slot_aad(vault_id: bytes, slot_id: str, kind: str, kdf: Mapping[str, Any] | None) -> bytes:
    return framed("gateway-vault/slot", VERSION, vault_id, slot_id, kind, canonical(kdf))


def _record_aad(vault_id: bytes, record_id: str, provider: str, term: int, rev: int) -> bytes:
    return framed("gateway-vault/rec", VERSION, vault_id, record_id, provider, term, rev)


def _seal(document: Document, body: Mapping[str, Any]) -> bytes:
    key = hkdf(document.ring[document.term], "seal", salt=document.vault_id)
    return hmac.digest(key, framed("gateway-vault/seal", canonical(body)), "sha256")


def _open_ring(slots: list[Mapping[str, Any]], vault_id: bytes, key: VaultKey) -> dict[int, bytes]:
    for slot in slots:
        if slot["kind"] != key.kind:
            continue
        kek = key.kek(vault_id, slot["kdf"])
        if not hmac.compare_digest(_commit(kek), unb64(slot["commit"], "slot commit", 16)):
            continue
        aad = _slot_aad(vault_id, slot["id"], slot["kind"], slot["kdf"])
        try:
            plain = AESGCM(kek).decrypt(unb64(slot["nonce"], "slot", 12), unb64(slot["wrapped"], "slot"), aad)
        except InvalidTag:
            raise VaultDamaged("slot") from None
        ring = parse_canonical(plain + b"\n")
        return {int(term): unb64(value, "slot", 32) for term, value in ring.items()}
    raise WrongKey(
        "the key does not open this vault: check SESSION_ENCRYPTION_KEY (or vault.key_source). "
        "Without the right key the sessions cannot be read; move the file away to begin anew."
    )


def _check_shape(body: dict[str, Any]) -> None:
    """Everything has its type and bounds before any of it is used."""
    if body.get("format") != FORMAT:
        raise VaultDamaged("format")
    version = body.get("version")
    if not _count(version):
        raise VaultDamaged("version")
    if version != VERSION:
        raise VaultVersion(f"the vault has format version {version}; this Glassgate knows {VERSION}. Update Glassgate.")
    if set(body) != _TOP or not _count(body["created"]) or not _count(body["generation"]):
        raise VaultDamaged("header")
    if not isinstance(body["slots"], list) or not body["slots"] or not isinstance(body["records"], dict):
        raise VaultDamaged("header")
    for slot in body["slots"]:
        if not isinstance(slot, dict) or set(slot) != _SLOT or slot["kind"] not in ("passphrase", "rawkey"):
            raise VaultDamaged("slot")
        if not isinstance(slot["id"], str) or (slot["kind"] == "rawkey") != (slot["kdf"] is None):
            raise VaultDamaged("slot")
        if slot["kdf"] is not None:
            if not isinstance(slot["kdf"], dict):
                raise VaultDamaged("slot kdf")
            checked_kdf(slot["kdf"])
    for record_id, record in body["records"].items():
        if not isinstance(record, dict) or set(record) != _RECORD or not isinstance(record["provider"], str):
            raise VaultDamaged(f"record {record_id[:40]}")
        if not all(_count(record[name]) for name in ("rev", "term", "updated")):
            raise VaultDamaged(f"record {record_id[:40]}")


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
