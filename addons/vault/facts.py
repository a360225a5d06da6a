"""The facts of an opened vault that may be shown: everything but its secrets."""

from dataclasses import dataclass
from typing import Any

from addons.vault.format import Document, open_records
from addons.vault.kdf import is_weak
from addons.vault.keys import VaultKey
from addons.vault.own_secrets import OWN
from addons.vault.slots import find_slot


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """A key that opens the vault. `kdf` is its name and parameters, None for a raw key."""

    id: str
    kind: str
    kdf: dict[str, Any] | None
    opened_by_this_key: bool
    weak: bool


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """A session. `updated` in unix seconds."""

    provider: str
    account: str
    revision: int
    updated: int


@dataclass(frozen=True, slots=True)
class Facts:
    """A vault. `created` in unix seconds; `term` counts its data keys."""

    vault_id: str
    created: int
    generation: int
    term: int
    slots: tuple[SlotFacts, ...]
    records: tuple[RecordFacts, ...]


def facts_of(document: Document, key: VaultKey) -> Facts:
    """The facts of the document, as `key` opened it. Raises VaultDamaged(record …)."""
    held = find_slot(document.slots, document.vault_id, key)
    slots = tuple(
        SlotFacts(
            slot["id"],
            slot["kind"],
            {name: value for name, value in slot["kdf"].items() if name != "salt"} if slot["kdf"] else None,
            slot is held,
            slot["kdf"] is not None and is_weak(slot["kdf"]),
        )
        for slot in document.slots
    )
    records = sorted((r.provider, r.account, r.rev, r.updated) for r in open_records(document) if r.provider != OWN)
    return Facts(
        document.vault_id.hex(),
        document.created,
        document.generation,
        document.term,
        slots,
        tuple(RecordFacts(*record) for record in records),
    )
