"""The vault document: pure functions between bytes and records. docs/vault-format.md is its specification.

slots     each wraps the same ring of data keys under a key-encryption key of its own (slots.py)
records   one sealed session each, bound to vault, id, provider, key term and revision
seal      HMAC over the whole, so that nothing can be left out, put in, or taken from another generation
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addons.vault.encoding import (
    SIZE_LIMIT_BYTES,
    Members,
    b64,
    canonical,
    framed,
    joined,
    members,
    parse_canonical,
    parse_object,
    unb64,
)
from addons.vault.errors import VaultDamaged, VaultRefused, VaultVersion
from addons.vault.kdf import DEFAULT_KDF, hkdf
from addons.vault.keys import VaultKey
from addons.vault.slots import VERSION, Random, Ring, Slot, check_slots, new_slot, open_ring

FORMAT: Final = "gateway-vault"
RECORD_LIMIT_BYTES: Final = 1024 * 1024
_NAME_LIMIT: Final = 200
_TOP: Final = {"format", "version", "vault_id", "created", "generation", "slots", "records", "seal"}
_RECORD: Final = {"provider", "rev", "term", "nonce", "ct", "updated"}


@dataclass(frozen=True, slots=True)
class Record:
    """One account's session. `updated` in unix seconds; `rev` grows with each write and never comes back."""

    provider: str
    account: str
    rev: int
    updated: int
    material: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """An opened vault."""

    vault_id: bytes
    created: int
    generation: int
    slots: tuple[Slot, ...]
    sealed: Mapping[str, Mapping[str, Any]]
    """Record id → the record as it stands in the file."""
    ring: Ring = field(repr=False)
    digest: bytes = b""
    """SHA-256 of the file it was read of, also of one that was changed since."""

    @property
    def term(self) -> int:
        return max(self.ring)


@dataclass(frozen=True, slots=True)
class Opened:
    """A document and all its records in clear, by their ids."""

    document: Document
    records: Mapping[str, Record] = field(repr=False)


def new_document(key: VaultKey, random: Random, now: int, kdf_name: str = DEFAULT_KDF) -> Document:
    """An empty vault that `key` opens."""
    vault_id, ring = random(16), {1: random(32)}
    return Document(vault_id, now, 0, (new_slot(key, vault_id, ring, random, kdf_name),), {}, ring)


def write(document: Document) -> bytes:
    """The document's file. Raises VaultRefused when it would be too large."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "vault_id": b64(document.vault_id),
        "created": document.created,
        "generation": document.generation,
        "slots": list(document.slots),
        "records": dict(document.sealed),
    }
    parts = members(body)
    parts["seal"] = canonical(b64(_seal(document, parts)))
    data = joined(parts) + b"\n"
    if len(data) > SIZE_LIMIT_BYTES:
        raise VaultRefused("the vault would grow over 16 MiB; remove sessions that are not used")
    return data


def read(data: bytes, key: VaultKey, before: Opened | None = None) -> Document:
    """The opened document. Raises VaultDamaged, VaultVersion or WrongKey; never gives a part of it.

    Where the bytes are those that `before` was read of, it is the document of `before`; what stands there letter for
    letter is not decoded once more to see whether it can be."""
    known, digest = before.document if before is not None else None, hashlib.sha256(data).digest()
    if known is not None and known.digest == digest:
        return known
    body, parts = parse_canonical(data)
    _check_shape(body, known.sealed if known is not None else {}, allow_weak=key.allow_weak)
    vault_id = unb64(body["vault_id"], "vault_id", 16)
    seal = unb64(body["seal"], "seal", 32)
    del parts["seal"]
    ring, slots = open_ring(body["slots"], vault_id, key), tuple(body["slots"])
    document = Document(vault_id, body["created"], body["generation"], slots, body["records"], ring, digest)
    if not hmac.compare_digest(seal, _seal(document, parts)):
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
    value = parse_object(plain, where)
    account, material = value.get("account"), value.get("material")
    if not isinstance(account, str) or not isinstance(material, dict):
        raise VaultDamaged(where)
    if record_id_of(document, sealed["provider"], account) != record_id:  # so no account stands there twice
        raise VaultDamaged(where)
    return Record(sealed["provider"], account, sealed["rev"], sealed["updated"], material)


def open_records(document: Document) -> Iterator[Record]:
    """All records in clear. Raises VaultDamaged(record …)."""
    return iter(open_all(document).records.values())


def open_all(document: Document, before: Opened | None = None) -> Opened:
    """All records in clear. Raises VaultDamaged(record …).

    One that stands sealed as it did in `before`, under the same keys, is the very same record: it was opened then."""
    known: Mapping[str, Record] = {}
    if before is not None:
        if before.document is document:
            return before
        if (before.document.vault_id, before.document.ring) == (document.vault_id, document.ring):
            stood = before.document.sealed
            known = {at: before.records[at] for at, sealed in document.sealed.items() if stood.get(at) == sealed}
    return Opened(document, {at: known.get(at) or open_record(document, at) for at in document.sealed})


def record_id_of(document: Document, provider: str, account: str) -> str:
    """The id of an account's record: always the same in one vault; it tells nobody else the account's name."""
    info = framed("gateway-vault/record-id", provider, account)
    return b64(hkdf(document.ring[min(document.ring)], info, document.vault_id)[:16])


def next_rev(document: Document, record_id: str) -> int:
    """The revision of the next write: higher than any this id ever had, also when it was removed in between."""
    sealed = document.sealed.get(record_id)
    return sealed["rev"] + 1 if sealed is not None else max(document.generation, 1)


def with_record(document: Document, record: Record, random: Random) -> Document:
    """The document with this record put in (or put anew) under the current key. Raises VaultRefused."""
    plain = _plain(record)
    nonce, term = random(12), document.term
    record_id = record_id_of(document, record.provider, record.account)
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


def derived_key(document: Document, purpose: str) -> bytes:
    """32 bytes out of the newest data key, for one purpose besides the records (HKDF-SHA256)."""
    return hkdf(document.ring[document.term], f"glassgate derived key: {purpose}", document.vault_id)


def check_name(name: str, what: str) -> None:
    """Raises VaultRefused for a provider's or an account's name that is empty, long or not printable."""
    if not name or len(name) > _NAME_LIMIT or not name.isprintable():
        raise VaultRefused(f"the {what}'s name must have 1 to {_NAME_LIMIT} printable characters")


# -- details ------------------------------------------------------------------------------------------------------
def _plain(record: Record) -> bytes:
    """What is encrypted. Anything that could not be read back is refused here, and not found out later."""
    check_name(record.provider, "provider")
    check_name(record.account, "account")
    plain = b""
    try:
        plain = canonical({"account": record.account, "material": record.material})
        parse_object(plain, "")
    except (ValueError, TypeError, RecursionError, VaultDamaged):
        plain = b""  # refused below, outside the handler: such an error may carry the session
    if not plain or len(plain) > RECORD_LIMIT_BYTES:
        raise VaultRefused("the session cannot be stored: it must be JSON of plain values, 1 MiB and 10 levels at most")
    return plain


def _record_aad(vault_id: bytes, record_id: str, provider: str, term: int, rev: int) -> bytes:
    return framed("gateway-vault/rec", VERSION, vault_id, record_id, provider, term, rev)


def _seal(document: Document, parts: Members) -> bytes:
    """The seal of a file with these members and itself."""
    key = hkdf(document.ring[document.term], "seal", salt=document.vault_id)
    return hmac.digest(key, framed("gateway-vault/seal", joined(parts)), "sha256")


def _check_shape(body: dict[str, Any], known: Mapping[str, Mapping[str, Any]], *, allow_weak: bool) -> None:
    """Everything has its type and bounds before any of it is used."""
    if body.get("format") != FORMAT:
        raise VaultDamaged("format")
    version = body.get("version")
    if not _count(version) or version == 0:
        raise VaultDamaged("version")
    if version != VERSION:
        raise VaultVersion(f"the vault has format version {version}; this Glassgate knows {VERSION}. Update Glassgate.")
    if set(body) != _TOP or not _count(body["created"]) or not _count(body["generation"]):
        raise VaultDamaged("header")
    check_slots(body["slots"], allow_weak=allow_weak)
    if not isinstance(body["records"], dict):
        raise VaultDamaged("records")
    for record_id, record in body["records"].items():
        if (stood := known.get(record_id)) is None:
            unb64(record_id, "record id", 16)
        _check_record(record, f"record {record_id}", stood)


def _check_record(record: Any, where: str, stood: Mapping[str, Any] | None) -> None:
    if not isinstance(record, dict) or set(record) != _RECORD or not isinstance(record["provider"], str):
        raise VaultDamaged(where)
    if not all(_count(record[name]) for name in ("rev", "term", "updated")):
        raise VaultDamaged(where)
    if stood is None or record["nonce"] != stood["nonce"]:
        unb64(record["nonce"], where, 12)
    if stood is None or record["ct"] != stood["ct"]:
        unb64(record["ct"], where)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
