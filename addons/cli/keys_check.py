"""What doctor says of managed keys: whether their file can be read, which have expired, which models fit nothing."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

from addons.app.configured_vault import vault_path
from addons.app.unfit_patterns import unfit_patterns
from addons.app.unserved_names import may_be_brought
from addons.cli.checks import Finding
from addons.config.configuration import Config
from addons.config.providers import make_providers
from addons.keys.limits import shown_moment
from addons.keys.managed import KeysProblem, ManagedKey
from addons.keys.store import KeyStore, keys_path
from addons.routing.models import Models
from addons.vault.errors import VaultError
from addons.vault.store import Vault
from addons.words.commands import command

MOST_TOLD: Final = 10
"""Keys and patterns of which something is told."""


def check_managed_keys(config: Config, vault: Vault | None) -> Iterator[Finding]:
    """The findings about the keys that `glassgate keys` has made; none where it has made none."""
    path = keys_path(vault_path(config))
    if not config.managed_keys:
        return
    try:
        if vault is None:
            raise KeysProblem(f"{path} is there, but not the vault that it belongs to")
        known = KeyStore(vault).read()
    except (KeysProblem, VaultError, OSError) as e:
        fix = f"{command('restore', 'FILE')} puts back a backup"
        yield Finding("client keys", "error", f"none of `glassgate keys` can be used: {e}", fix, partly=True)
        return
    yield Finding("client keys", "ok", f"managed keys: {len(known)}, in {path}")
    yield from islice(_amiss(config, known), MOST_TOLD)


def _amiss(config: Config, known: tuple[ManagedKey, ...]) -> Iterator[Finding]:
    for key in known:
        if key.limits.expired(time.time()):
            words = f"client key {key.name} has expired ({shown_moment(key.limits.expires or 0)})"
            fix = f"{command('keys', 'edit', key.name)} --expires 90d, or: {command('keys', 'revoke', key.name)}"
            yield Finding("client keys", "warning", words, fix)
    first = {pattern: key.name for key in reversed(known) for pattern in key.limits.models or ()}
    if not first:
        return
    providers = make_providers(config)
    index = Models(providers, config.sections.models.aliases)()
    for pattern, words in unfit_patterns(first, index):
        where = f"the models of client key {first[pattern]}"
        yield Finding("client keys", "warning", f"{where}: {pattern!r} {words}{may_be_brought(providers)}")
