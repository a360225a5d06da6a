"""Slots: the ring of data keys, wrapped once for each key that opens the vault."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addons.vault.encoding import b64, canonical, framed, parse_object, unb64
from addons.vault.errors import VaultDamaged, WrongKey
from addons.vault.kdf import COST_LIMIT, DEFAULT_KDF, checked_kdf, cost, hkdf, new_kdf
from addons.vault.keys import VaultKey

VERSION: Final = 1
SLOT_LIMIT: Final = 16
_FIELDS: Final = {"id", "kind", "kdf", "commit", "nonce", "wrapped"}

type Random = Callable[[int], bytes]
type Slot = Mapping[str, Any]
type Ring = Mapping[int, bytes]
"""Term → data key of 32 bytes; the highest term is in use."""


def new_slot(key: VaultKey, vault_id: bytes, ring: Ring, random: Random, kdf_name: str = DEFAULT_KDF) -> Slot:
    """The ring wrapped for `key`, by the named KDF if that is a passphrase."""
    kdf = new_kdf(random, kdf_name) if key.kind == "passphrase" else None
    kek = key.kek(vault_id, kdf)
    while (slot_id := b64(random(8))).startswith("-"):
        pass  # it would be taken for an option on a command line
    nonce = random(12)
    plain = canonical({str(term): b64(value) for term, value in ring.items()})
    return {
        "id": slot_id,
        "kind": key.kind,
        "kdf": kdf,
        "commit": b64(_commit(kek)),
        "nonce": b64(nonce),
        "wrapped": b64(AESGCM(kek).encrypt(nonce, plain, _aad(vault_id, slot_id, key.kind, kdf))),
    }


def too_dear(slots: Sequence[Slot]) -> bool:
    """Whether a file with these (checked) slots would be refused for what they cost together."""
    return sum(cost(slot["kdf"]) for slot in slots if slot["kdf"] is not None) > COST_LIMIT


def find_slot(slots: Sequence[Slot], vault_id: bytes, key: VaultKey) -> Slot | None:
    """The slot that `key` opens."""
    for slot in slots:
        if slot["kind"] != key.kind:
            continue
        if hmac.compare_digest(_commit(key.kek(vault_id, slot["kdf"])), unb64(slot["commit"], "slot commit", 16)):
            return slot
    return None


def open_ring(slots: Sequence[Slot], vault_id: bytes, key: VaultKey) -> Ring:
    """The ring of data keys. Raises WrongKey when no slot is for `key`, VaultDamaged when its slot was changed."""
    slot = find_slot(slots, vault_id, key)
    if slot is None:
        raise WrongKey(
            "the key does not open this vault: check SESSION_ENCRYPTION_KEY (or vault.key_source). "
            "Without the right key the sessions cannot be read; move the file away to begin anew."
        )
    aad = _aad(vault_id, slot["id"], slot["kind"], slot["kdf"])
    kek = key.kek(vault_id, slot["kdf"])
    try:
        plain = AESGCM(kek).decrypt(unb64(slot["nonce"], "slot", 12), unb64(slot["wrapped"], "slot"), aad)
    except InvalidTag:
        raise VaultDamaged("slot") from None
    ring = {_term(name): unb64(value, "slot ring", 32) for name, value in parse_object(plain, "slot ring").items()}
    if not ring:
        raise VaultDamaged("slot ring")
    return ring


def check_slots(slots: Any, *, allow_weak: bool = False) -> None:
    """Every slot has its fields, types and bounds, all together too, before a key is derived. Raises VaultDamaged."""
    if not isinstance(slots, list) or not 1 <= len(slots) <= SLOT_LIMIT:
        raise VaultDamaged("slots")
    for slot in slots:
        if not isinstance(slot, dict) or set(slot) != _FIELDS or slot["kind"] not in ("passphrase", "rawkey"):
            raise VaultDamaged("slot")
        if not isinstance(slot["id"], str) or (slot["kind"] == "rawkey") != (slot["kdf"] is None):
            raise VaultDamaged("slot")
        if slot["kdf"] is not None:
            if not isinstance(slot["kdf"], dict):
                raise VaultDamaged("slot kdf")
            checked_kdf(slot["kdf"], allow_weak=allow_weak)
        for name, size in (("commit", 16), ("nonce", 12), ("wrapped", None)):
            unb64(slot[name], f"slot {name}", size)
    if too_dear(slots):
        raise VaultDamaged("the slots' kdf cost too much together")
    if len({slot["id"] for slot in slots}) != len(slots):
        raise VaultDamaged("two slots with one id")


def _commit(kek: bytes) -> bytes:
    """Says whose slot it is before AES-GCM is asked, which could accept one ciphertext under two keys."""
    return hkdf(kek, "commit")[:16]


def _aad(vault_id: bytes, slot_id: str, kind: str, kdf: Mapping[str, Any] | None) -> bytes:
    return framed("gateway-vault/slot", VERSION, vault_id, slot_id, kind, canonical(kdf))


def _term(name: str) -> int:
    if not (name.isascii() and name.isdigit() and len(name) < 16 and name[0] != "0"):
        raise VaultDamaged("slot ring")
    return int(name)
