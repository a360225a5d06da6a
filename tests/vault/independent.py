"""A second reader and writer of vault files, from docs/vault-format.md alone: it shares no code with addons/vault.

Raw primitives only: AES-GCM, HMAC, and the passphrase functions. HKDF is written out.
"""

import base64
import hashlib
import hmac
import json
import re
import unicodedata
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


def enc(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().replace("=", "")


def dec(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "===")


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def hkdf(key: bytes, info: bytes, salt: bytes = b"") -> bytes:
    """RFC 5869 with SHA-256 and one block of output."""
    extracted = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def framed(*parts: Any) -> bytes:
    joined = b""
    for part in parts:
        if not isinstance(part, bytes):
            part = str(part).encode("utf-8")
        joined += len(part).to_bytes(8, "big") + part
    return joined


def kek(key_text: str, kdf: dict[str, Any] | None, vault_id: bytes) -> bytes:
    if kdf is None:
        raw = bytes.fromhex(key_text) if re.fullmatch("[0-9a-fA-F]{64}", key_text) else dec(key_text.rstrip("="))
        assert len(raw) == 32
        return hkdf(raw, b"gateway-vault/kek/v1", vault_id)
    words = unicodedata.normalize("NFC", key_text.strip()).encode("utf-8")
    salt = dec(kdf["salt"])
    if kdf["name"] == "scrypt":
        room = 256 * kdf["n"] * kdf["r"]
        return hashlib.scrypt(words, salt=salt, n=kdf["n"], r=kdf["r"], p=kdf["p"], maxmem=room, dklen=32)
    if kdf["name"] == "pbkdf2-sha256":
        return hashlib.pbkdf2_hmac("sha256", words, salt, kdf["rounds"], 32)
    assert kdf["name"] == "argon2id"
    return Argon2id(salt=salt, length=32, iterations=kdf["t"], lanes=kdf["p"], memory_cost=kdf["m_kib"]).derive(words)


def slot_aad(vault_id: bytes, slot: dict[str, Any]) -> bytes:
    return framed("gateway-vault/slot", 1, vault_id, slot["id"], slot["kind"], compact(slot["kdf"]))


def record_aad(vault_id: bytes, record_id: str, record: dict[str, Any]) -> bytes:
    return framed(
        "gateway-vault/rec", 1, vault_id, record_id, record["provider"], str(record["term"]), str(record["rev"])
    )


def seal_of(ring: dict[int, bytes], vault_id: bytes, rest: dict[str, Any]) -> bytes:
    key = hkdf(ring[max(ring)], b"seal", vault_id)
    return hmac.new(key, framed("gateway-vault/seal", compact(rest)), hashlib.sha256).digest()


def record_id(ring: dict[int, bytes], vault_id: bytes, provider: str, account: str) -> str:
    info = framed("gateway-vault/record-id", provider, account)
    return enc(hkdf(ring[min(ring)], info, vault_id)[:16])


def read(data: bytes, key_text: str) -> dict[tuple[str, str], dict[str, Any]]:
    """(provider, account) → rev, updated and material. Asserts whatever the document demands."""
    file = json.loads(data)
    assert compact(file) + b"\n" == data
    assert (file["format"], file["version"]) == ("gateway-vault", 1)
    vault_id = dec(file["vault_id"])
    ring: dict[int, bytes] = {}
    for slot in file["slots"]:
        try:
            key = kek(key_text, slot["kdf"], vault_id)
        except (ValueError, AssertionError):
            continue
        if hmac.compare_digest(hkdf(key, b"commit")[:16], dec(slot["commit"])):
            plain = AESGCM(key).decrypt(dec(slot["nonce"]), dec(slot["wrapped"]), slot_aad(vault_id, slot))
            ring = {int(term): dec(value) for term, value in json.loads(plain).items()}
            break
    assert ring, "no slot opens"
    seal = dec(file.pop("seal"))
    assert hmac.compare_digest(seal, seal_of(ring, vault_id, file))
    found = {}
    for name, record in file["records"].items():
        aad = record_aad(vault_id, name, record)
        plain = json.loads(AESGCM(ring[record["term"]]).decrypt(dec(record["nonce"]), dec(record["ct"]), aad))
        assert name == record_id(ring, vault_id, record["provider"], plain["account"])
        found[record["provider"], plain["account"]] = {
            "rev": record["rev"],
            "updated": record["updated"],
            "material": plain["material"],
        }
    return found


def write(vector: dict[str, Any]) -> bytes:
    """The file of a known-answer vector, from its inputs (values in hex)."""
    vault_id = bytes.fromhex(vector["vault_id"])
    ring = {1: bytes.fromhex(vector["data_key"])}
    slot: dict[str, Any] = {"id": enc(bytes.fromhex(vector["slot_id"])), "kind": vector["kind"], "kdf": vector["kdf"]}
    key = kek(vector["key"], slot["kdf"], vault_id)
    slot["commit"] = enc(hkdf(key, b"commit")[:16])
    slot["nonce"] = enc(bytes.fromhex(vector["slot_nonce"]))
    plain = compact({"1": enc(ring[1])})
    slot["wrapped"] = enc(AESGCM(key).encrypt(dec(slot["nonce"]), plain, slot_aad(vault_id, slot)))
    records = {}
    for given in vector["records"]:
        name = record_id(ring, vault_id, given["provider"], given["account"])
        record = {
            "provider": given["provider"],
            "rev": given["rev"],
            "term": 1,
            "updated": given["updated"],
            "nonce": enc(bytes.fromhex(given["nonce"])),
        }
        plain = compact({"account": given["account"], "material": given["material"]})
        sealed = AESGCM(ring[1]).encrypt(dec(record["nonce"]), plain, record_aad(vault_id, name, record))
        records[name] = {**record, "ct": enc(sealed)}
    file = {
        "format": "gateway-vault",
        "version": 1,
        "vault_id": enc(vault_id),
        "created": vector["created"],
        "generation": vector["generation"],
        "slots": [slot],
        "records": records,
    }
    return compact({**file, "seal": enc(seal_of(ring, vault_id, file))}) + b"\n"
