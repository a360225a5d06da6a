"""Random values of the gateway's own that lie in the vault among the sessions: sealed as those are, and taken along by
whatever changes the vault's keys (rotation, another passphrase, a new data key). Pure.

A record of such a value has a provider's name that config.yaml cannot have, so it is nobody's session; a Glassgate from
before lists it as one of a provider it does not know, and leaves it alone.
"""

from collections.abc import Callable
from typing import Final

from addons.vault.encoding import b64, unb64
from addons.vault.format import Document, Record, next_rev, open_record, record_id_of, with_record

OWN: Final = "_glassgate"
"""The provider of their records."""
_BYTES: Final = 32


def secret_in(record: Record) -> bytes:
    """The value of a record. Raises VaultDamaged."""
    return unb64(record.material.get("secret"), f"the gateway's own {record.account}", _BYTES)


def with_secret(document: Document, name: str, now: int, random: Callable[[int], bytes]) -> Document:
    """The document with a value of this name; the very same where it has one. Raises VaultDamaged, VaultRefused."""
    record_id = record_id_of(document, OWN, name)
    if record_id in document.sealed:
        secret_in(open_record(document, record_id))
        return document
    material = {"secret": b64(random(_BYTES))}
    return with_record(document, Record(OWN, name, next_rev(document, record_id), now, material), random)
