"""Vaults with many sessions, written at once: `Vault.put` reads and writes the whole file for each."""

import os
from collections.abc import Mapping
from typing import Any

from addons.vault import format as vault_format
from addons.vault.format import Record
from addons.vault.store import Vault


def put_all(vault: Vault, sessions: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """Stores sessions by (provider, account) that the vault does not have yet."""
    with vault._locked():
        document, _ = vault._read()
        for (provider, account), material in sessions.items():
            record = Record(provider, account, 1, vault._time(), dict(material))
            document = vault_format.with_record(document, record, os.urandom)
        vault._replace(document)
