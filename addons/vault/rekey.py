"""Changing who opens a vault: more keys, fewer, another passphrase, new data keys. Pure, like format.py."""

from collections.abc import Sequence
from dataclasses import replace

from addons.vault.errors import VaultRefused
from addons.vault.format import Document, open_records, with_record
from addons.vault.kdf import DEFAULT_KDF
from addons.vault.keys import VaultKey
from addons.vault.slots import SLOT_LIMIT, Random, find_slot, new_slot, too_dear


def with_key(document: Document, key: VaultKey, random: Random, kdf_name: str = DEFAULT_KDF) -> Document:
    """The document that `key` opens too. Raises VaultRefused when it does already, or there are too many."""
    if find_slot(document.slots, document.vault_id, key) is not None:
        raise VaultRefused("this key opens the vault already")
    if len(document.slots) >= SLOT_LIMIT:
        raise VaultRefused(f"a vault has at most {SLOT_LIMIT} keys; remove one first")
    slots = (*document.slots, new_slot(key, document.vault_id, document.ring, random, kdf_name))
    if too_dear(slots):
        raise VaultRefused("the vault's passphrases would take too long to try; remove one that another program made")
    return replace(document, slots=slots)


def without_slot(document: Document, slot_id: str, holder: VaultKey) -> Document:
    """The document without the slot. Raises VaultRefused for one that is not there or is the one `holder` opens it
    by."""
    if slot_id not in [slot["id"] for slot in document.slots]:
        raise VaultRefused("the vault has no key slot of that id")
    slots = tuple(slot for slot in document.slots if slot["id"] != slot_id)
    if find_slot(slots, document.vault_id, holder) is None:
        raise VaultRefused("this slot is the one the vault was opened by; open it with another key to remove it")
    return replace(document, slots=slots)


def with_other_key(
    document: Document, old: VaultKey, new: VaultKey, random: Random, kdf_name: str = DEFAULT_KDF
) -> Document:
    """The document that `new` opens in place of `old`; the records keep every byte. Raises VaultRefused for no
    change."""
    if find_slot(document.slots, document.vault_id, new) is not None:
        raise VaultRefused("the new key opens the vault already; give another one")
    held = find_slot(document.slots, document.vault_id, old)
    fresh = new_slot(new, document.vault_id, document.ring, random, kdf_name)
    slots = tuple(fresh if slot is held else slot for slot in document.slots)
    return replace(document, slots=slots)


def with_new_data_key(document: Document, keys: Sequence[VaultKey], random: Random) -> Document:
    """The document encrypted anew under a data key that nothing before had. Raises VaultRefused.

    The slots cannot be made anew without the keys that open them, so `keys` must hold the key of every slot.
    """
    ring = {document.term + 1: random(32)}
    slots = []
    for slot in document.slots:
        key = next((key for key in keys if find_slot([slot], document.vault_id, key) is not None), None)
        if key is None:
            raise VaultRefused(f"the key of slot {slot['id']} is needed for this; give it, or remove the slot first")
        kdf_name = slot["kdf"]["name"] if slot["kdf"] else DEFAULT_KDF
        slots.append(new_slot(key, document.vault_id, ring, random, kdf_name))
    fresh = replace(document, slots=tuple(slots), sealed={}, ring=ring)
    for record in open_records(document):
        fresh = with_record(fresh, record, random)
    return fresh
