"""The managed keys that are in force: read again when their file changes; what cannot be read changes nothing."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from addons.app.configured_vault import rollback_guard, vault_key, vault_path
from addons.config.configuration import Config
from addons.keys.managed import KeysProblem, ManagedSet
from addons.keys.store import KeyStore, Stamp, keys_path
from addons.vault.errors import VaultError
from addons.vault.small_files import stamp_of
from addons.vault.store import Vault

log = logging.getLogger("glassgate")

WHAT: Final = "keys_changed"
"""The question of commands that have changed the file."""


@dataclass(slots=True)
class ManagedKeys:
    """`seen` is told of each key when it is first shown. `found` is another set whenever the keys are others."""

    seen: Callable[[str], None] = lambda token: None
    found: ManagedSet = field(default_factory=ManagedSet)
    problem: str | None = None
    """Why the file as it stands now cannot be used, if so."""
    _stamp: Stamp = None
    _vault: Vault | None = None
    """Opened for the keys alone: where no account needs one."""

    def changed(self, config: Config) -> bool:
        """Whether the file is another one than was read last; costs a stat."""
        return stamp_of(keys_path(vault_path(config))) != self._stamp

    async def refresh(self, config: Config, vault: Vault | None) -> bool:
        """Reads the file again; gives whether other keys are in force now."""
        return self._take(await asyncio.to_thread(self._read, config, vault))

    def load(self, config: Config, vault: Vault | None) -> None:
        """Reads the file at the start. Blocks on the disk."""
        if self.changed(config):
            self._take(self._read(config, vault))

    def _take(self, read: tuple[Stamp, ManagedSet | str]) -> bool:
        self._stamp, found = read
        if isinstance(found, str):
            if found != self.problem:
                log.error("%s. The keys that were known stay in force", found)
            self.problem = found
            return False
        before, self.problem = self.found, None
        self.found = found
        return before.keys != found.keys

    def _read(self, config: Config, vault: Vault | None) -> tuple[Stamp, ManagedSet | str]:
        stamp = stamp_of(keys_path(vault_path(config)))
        if stamp is None:
            lost = "the file of managed keys is gone; put back a backup" if self.found.keys else None
            return stamp, lost or self.found
        try:
            store = KeyStore(vault or self._own(config))
            store.vault.refresh()
            return stamp, ManagedSet(store.read(), store.secret(), self.seen)
        except (KeysProblem, VaultError, OSError) as e:
            return stamp, str(e)

    def _own(self, config: Config) -> Vault:
        """Raises VaultError."""
        if self._vault is None:
            self._vault = Vault.open(vault_path(config), vault_key(config), guard=rollback_guard(config))
        return self._vault
